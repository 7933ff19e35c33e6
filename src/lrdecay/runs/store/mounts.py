r"""Which filesystem a path is on, and whether it is shared over a network: read from ``/proc/self/mountinfo``.

SQLite's WAL keeps an index in memory that all its users share, and locks it by the operating system; over a network
neither can be relied on (sqlite.org/wal.html, sqlite.org/faq.html#q5).

A line of mountinfo is ``id parent major:minor root mount-point options [optional ...] - type source super-options``,
with spaces in names written ``\040`` (proc(5)).
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["NETWORK", "filesystem", "network_filesystem"]

_KERNEL = """9p acfs afs beegfs beegfs_nodev ceph cifs coda davfs fhgfs gfs gfs2 glusterfs gpfs lustre mmfs ncpfs nfs
nfs4 ocfs2 orangefs panfs prl_fs pvfs2 smb2 smb3 smbfs vboxsf virtiofs vmhgfs wekafs"""
_FUSE = """afp beegfs blobfuse blobfuse2 ceph ceph-fuse cvmfs davfs2 gcsfuse glusterfs goofys grpcfuse juicefs mfs
moosefs mountpoint-s3 osxfs rclone s3fs seaweedfs smbnetfs sshfs vmhgfs-fuse weed"""

NETWORK = frozenset(_KERNEL.split()) | {f"fuse.{name}" for name in _FUSE.split()}
"""Types that are shared over a network, or with the host of a virtual machine."""

_MOUNTS = Path("/proc/self/mountinfo")


def filesystem(mountinfo: str, path: Path) -> str | None:
    """The type of the filesystem an absolute path without links is on; None: no line says.

    The longest mount point above the path counts, and of several mounts on one point the last, which hides the others.
    """
    deepest, found = -1, None
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if not dash or len(fields) < 5 or not kinds:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, found = len(point.parts), kinds[0]
    return found


def network_filesystem(path: Path) -> str | None:
    """The type of the network filesystem a path is or would be on; None: it is local, or this system does not say."""
    if not _MOUNTS.exists():
        return None
    found = filesystem(_MOUNTS.read_text("utf-8", "surrogateescape"), path.resolve())
    return found if found in NETWORK else None
