"""Attempts to reach out of the room: each prints `REACHED` if it got through.

`FOLDER` is a folder that anybody may read and write, with a file `secret` (it holds the word SECRET), a pipe
`fifo` and a socket `socket` at which somebody listens; `PORT` is a port of the machine at which somebody
does.
"""

from __future__ import annotations

from collections.abc import Iterator

# Each class of attempts: a head that all of its programs begin with, and the programs, one a line: `;` parts
# statements, and what follows the last one must be true if it got through.
CLASSES: dict[str, tuple[str, str]] = {
    "files": (
        "import os, pathlib, io, shutil, tempfile, glob, zipfile, sqlite3, numpy, torch, linecache, codecs",
        """
        open("FOLDER/secret").read() == "SECRET"
        pathlib.Path("FOLDER/secret").read_bytes()
        io.FileIO("FOLDER/secret").read()
        os.read(os.open("FOLDER/secret", os.O_RDONLY), 9)
        os.listdir("FOLDER")
        list(os.scandir("FOLDER"))
        glob.glob("FOLDER/s*")
        list(pathlib.Path("FOLDER").iterdir())
        numpy.fromfile("FOLDER/secret", numpy.uint8).size
        numpy.loadtxt("FOLDER/secret", str).size
        numpy.memmap("FOLDER/secret", numpy.uint8, "r").size
        torch.from_file("FOLDER/secret", size=1, dtype=torch.uint8).numel()
        linecache.getlines("FOLDER/secret")
        codecs.open("FOLDER/secret").read()
        open("/etc/passwd").read()
        os.open("FOLDER/secret", os.O_PATH)
        os.open("FOLDER", os.O_PATH | os.O_DIRECTORY)
        open("FOLDER/new", "w").write("x")
        open("FOLDER/secret", "a").write("x")
        open("FOLDER/secret", "r+").truncate(0) is not None
        os.truncate("FOLDER/secret", 0) is None
        os.unlink("FOLDER/secret") is None
        os.rename("FOLDER/secret", "FOLDER/new") is None
        os.link("FOLDER/secret", "FOLDER/new") is None
        os.symlink("FOLDER/secret", "FOLDER/new") is None
        os.mkdir("FOLDER/new") is None
        os.mkfifo("FOLDER/new") is None
        os.mknod("FOLDER/new") is None
        os.chmod("FOLDER/secret", 0o600) is None
        os.utime("FOLDER/secret", (1, 1)) is None
        os.setxattr("FOLDER/secret", "user.x", b"x") is None
        os.open("FOLDER", os.O_TMPFILE | os.O_RDWR)
        tempfile.TemporaryFile(dir="FOLDER").write(b"x")
        shutil.copy("FOLDER/secret", "FOLDER/new")
        torch.save(1, "FOLDER/new") is None
        numpy.save("FOLDER/new", numpy.ones(1)) is None
        zipfile.ZipFile("FOLDER/new", "w").close() is None
        sqlite3.connect("FOLDER/new").execute("create table t (x)")
        os.open("FOLDER/fifo", os.O_RDONLY | os.O_NONBLOCK)
        os.chdir("FOLDER") is None
        """,
    ),
    "proc": (
        "import os, glob, sys",
        """
        open("/proc/self/environ").read() is not None
        open("/proc/self/mem", "rb").read(0) is not None
        open("/proc/self/maps").read()
        open(f"/proc/{os.getppid()}/environ").read() is not None
        open(f"/proc/{os.getppid()}/cmdline").read()
        os.listdir("/proc")
        os.listdir("/proc/self/fd")
        open("/proc/sys/kernel/hostname").read()
        open("/proc/net/tcp").read()
        open("/dev/tty")
        open("/dev/shm/x", "w")
        """,
    ),
    "descriptors": (
        "import os, fcntl, sys",
        """
        [n for n in range(3, 64) if not fails(lambda: os.lseek(n, 0, 0))]
        os.write(0, b"x") and os.fstat(0).st_rdev != os.makedev(1, 3)
        os.fstat(1).st_rdev != os.makedev(1, 3)
        os.fstat(2).st_rdev != os.makedev(1, 3)
        [fcntl.fcntl(n, fcntl.F_SETOWN, os.getppid()) for n in range(64) if not fails(lambda: os.fstat(n))]
        [fcntl.fcntl(n, fcntl.F_SETSIG, 9) for n in range(64) if not fails(lambda: os.fstat(n))]
        fcntl.ioctl(0, 0x5412, b"x") is not None
        """,
    ),
    "sockets": (
        "import socket, urllib.request, _socket, ssl, http.client",
        """
        socket.create_connection(("127.0.0.1", PORT))
        socket.socket(socket.AF_UNIX).connect("FOLDER/socket") is None
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PORT))
        socket.socket().bind(("127.0.0.1", 0)) is None
        socket.socketpair()
        _socket.socket(_socket.AF_UNIX).bind("\\0name") is None
        urllib.request.urlopen("http://127.0.0.1:PORT")
        http.client.HTTPConnection("127.0.0.1", PORT).request("GET", "/") is None
        socket.getaddrinfo("localhost", 80)
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
        socket.gethostname()
        """,
    ),
    "processes": (
        "import os, subprocess, multiprocessing, threading, _thread, pty, concurrent.futures",
        """
        os.system("true") == 0
        os.popen("echo x").read()
        os.fork() or os._exit(0)
        os.posix_spawn("/bin/true", ["true"], {})
        os.execv("/bin/true", ["true"])
        subprocess.run(["true"])
        subprocess.Popen(["true"], close_fds=False)
        multiprocessing.Process(target=print).start() is None
        multiprocessing.Pool(1)
        threading.Thread(target=print).start() is None
        _thread.start_new_thread(print, ())
        concurrent.futures.ThreadPoolExecutor(1).submit(print)
        pty.openpty()
        os.forkpty()
        """,
    ),
    "kernel": (
        (
            "import ctypes, os, mmap, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            "def call(*a): return libc.syscall(*a) >= 0\nX86 = platform.machine() == 'x86_64'"
        ),
        """
        X86 and call(57)
        X86 and call(58)
        call(56 if X86 else 220, 17, 0, 0, 0, 0)
        call(435, ctypes.create_string_buffer(88), 88)
        libc.ptrace(0, 0, 0, 0) == 0
        libc.ptrace(16, os.getppid(), 0, 0) == 0
        libc.unshare(0x10000000) == 0
        libc.prctl(4, 1, 0, 0, 0) == 0
        libc.prctl(1, 0, 0, 0, 0) == 0
        libc.prctl(22, 0, 0, 0, 0) == 0
        call(425 if X86 else 425, 8, ctypes.create_string_buffer(120))
        call(321 if X86 else 280, 0, None, 0)
        call(323 if X86 else 282, 0)
        call(319 if X86 else 279, b"x", 0)
        libc.shmget(0, 4096, 0o1600) >= 0
        libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0
        libc.chroot(b"/tmp") == 0
        call(437, -100, b"FOLDER/secret", ctypes.create_string_buffer(24), 24)
        X86 and call(85, b"FOLDER/new", 0o600)
        X86 and call(0x40000000 + 39)
        X86 and [buffer := mmap.mmap(-1, 4096, prot=7), buffer.write(bytes.fromhex("b802000000cd80c3")), \
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(buffer)))() > 0][-1]
        os.sethostname("x") is None
        os.setuid(1) is None
        os.nice(-1) is not None
        os.memfd_create("x")
        """,
    ),
    "signals": (
        "import os, signal, resource, ctypes\nlibc = ctypes.CDLL(None, use_errno=True)",
        """
        os.kill(os.getppid(), 0) is None
        os.kill(os.getppid(), signal.SIGTERM) is None
        os.kill(-1, 0) is None
        os.killpg(os.getpgid(0), 0) is None
        os.pidfd_open(os.getppid())
        libc.tgkill(os.getppid(), os.getppid(), 0) == 0
        libc.sigqueue(os.getppid(), 0, 0) == 0
        libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0) == 0
        resource.prlimit(os.getppid(), resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2)) is None
        os.setpriority(os.PRIO_PROCESS, os.getppid(), 10) is None
        os.sched_setaffinity(0, {0}) is None
        """,
    ),
    "environment": (
        "import os, sys, platform, ctypes",
        """
        dict(os.environ) != {"TORCHINDUCTOR_CACHE_DIR": "/"}
        os.getenv("HOME") or os.getenv("USER") or os.getenv("PATH")
        ctypes.CDLL(None).getenv(b"OMP_NUM_THREADS")
        "CANARY" in str(sys.argv + sys.orig_argv) or "FOLDER" in str(sys.argv + sys.orig_argv)
        platform.node() or os.uname().nodename
        os.getcwd() != "/"
        os.getlogin()
        """,
    ),
}
# In these classes each attempt succeeds where there is no lock, but for those that contain one of the words,
# which depend on the machine. So none of them fails for a reason of its own.
CONTROLLED = ("files", "sockets")
DEPENDENT = ("setxattr", "O_TMPFILE", "urlopen", "getaddrinfo", "AF_NETLINK", "O_PATH | os.O_DIRECTORY")

_FRAME = """\
def fails(function):
    try:
        function()
    except OSError:
        return True
{head}
if {test}:
    print("REACHED")
"""


def attempts() -> Iterator[tuple[str, str, str]]:
    """Yields the class, the line and the program of each attempt."""
    for name, (head, lines) in CLASSES.items():
        for line in lines.strip().splitlines():
            yield name, line.strip(), _FRAME.format(head=head, test=line.strip())
