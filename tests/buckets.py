"""A real S3 server (moto's) in a process of its own, for as long as a test module takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def bucket_server(name: str) -> Iterator[str]:
    """A server with an empty bucket, which the environment points to; gives the server's address."""
    command = [sys.executable, "-c", SERVER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, text=True) as server:
        try:
            host, port = server.stdout.readline().split()
            with pytest.MonkeyPatch.context() as patch:
                for key, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
                    patch.setenv(key, value)
                forget()
                fsspec.filesystem("s3").mkdir(name)
                yield f"http://{host}:{port}"
        finally:
            forget()
            server.kill()


def forget() -> None:
    """What this process knows of servers and credentials."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def objects(bucket: str) -> list[str]:
    """All of a bucket, as it is now."""
    store = fsspec.filesystem("s3")
    store.invalidate_cache()
    return sorted(path.removeprefix(f"{bucket}/") for path in store.find(bucket))
