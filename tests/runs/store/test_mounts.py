"""Which filesystem a path is on, from mountinfo of real machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrdecay.runs.store.mounts import NETWORK, filesystem, network_filesystem

CLUSTER = """\
21 98 0:20 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
98 1 253:0 / / rw,relatime shared:1 - xfs /dev/mapper/rhel-root rw,seclabel,attr2,inode64,noquota
120 98 8:1 / /boot rw,relatime shared:62 - xfs /dev/sda1 rw,attr2
301 98 0:51 / /home rw,relatime shared:190 - nfs4 filer.example.org:/vol/home rw,vers=4.1,rsize=1048576,proto=tcp
302 98 0:52 / /gpfs/fs1 rw,relatime shared:191 - gpfs fs1 rw
303 98 0:53 / /scratch rw,relatime shared:192 - lustre 10.1.0.1@o2ib:10.1.0.2@o2ib:/scratch rw,flock,lazystatfs
304 98 0:54 / /mnt/beegfs rw,relatime shared:193 - beegfs beegfs_nodev rw,cfgFile=/etc/beegfs/beegfs-client.conf
305 98 0:55 / /mnt/win\\040share rw,relatime shared:194 - cifs //server/share rw,vers=3.1.1,cache=strict,username=u
306 98 0:56 / /mnt/ceph rw,relatime shared:195 - ceph 10.0.0.1:6789,10.0.0.2:6789:/ rw,name=admin,acl
307 98 0:57 / /home/ann/remote rw,nosuid,nodev,relatime shared:196 - fuse.sshfs ann@host:/data rw,user_id=1000
308 301 8:17 / /home/local rw,relatime shared:197 - ext4 /dev/sdb1 rw
309 98 0:58 / /mnt/over rw,relatime shared:198 - ext4 /dev/sdc1 rw
310 309 0:59 / /mnt/over rw,relatime shared:199 - nfs filer:/over rw,vers=3
"""
CONTAINER = """\
612 508 0:170 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B
613 612 0:172 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
620 612 8:1 /var/lib/docker/containers/c0/hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw,discard
621 612 0:41 / /data rw,relatime master:3 propagate_from:2 - 9p hostshare rw,sync,dirsync,access=client,trans=virtio
"""


@pytest.mark.parametrize(
    ("mountinfo", "path", "kind"),
    [
        (CLUSTER, "/home/bob/study", "nfs4"),
        (CLUSTER, "/homework", "xfs"),
        (CLUSTER, "/", "xfs"),
        (CLUSTER, "/home/local/study", "ext4"),
        (CLUSTER, "/gpfs/fs1", "gpfs"),
        (CLUSTER, "/gpfs", "xfs"),
        (CLUSTER, "/scratch/x", "lustre"),
        (CLUSTER, "/mnt/beegfs/x", "beegfs"),
        (CLUSTER, "/mnt/win share/x", "cifs"),
        (CLUSTER, "/mnt/ceph/x", "ceph"),
        (CLUSTER, "/home/ann/remote/x", "fuse.sshfs"),
        (CLUSTER, "/mnt/over/x", "nfs"),
        (CONTAINER, "/data/study", "9p"),
        (CONTAINER, "/root/study", "overlay"),
        ("", "/home", None),
        ("nonsense\n1 2 3 - \n", "/home", None),
    ],
)
def test_the_deepest_mount_above_a_path_says_its_filesystem(mountinfo: str, path: str, kind: str | None) -> None:
    assert filesystem(mountinfo, Path(path)) == kind


def test_the_filesystems_of_the_field_are_known_to_be_shared_and_local_ones_are_not() -> None:
    assert {"nfs", "nfs4", "cifs", "lustre", "gpfs", "beegfs", "fuse.sshfs", "ceph", "9p"} <= NETWORK
    assert not NETWORK & {"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "fuseblk", "fuse.fuse-overlayfs"}


def test_a_folder_of_this_machine_is_local_though_it_is_not_there_yet(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path / "not" / "yet") is None
