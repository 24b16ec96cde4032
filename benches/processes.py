#!/usr/bin/env python3
"""Whole processes, side by side: `tsh version`, `tsh status` and a warm `tsh kube credentials` beside /bin/true.

Usage: benches/processes.py [FOLDER-OF-BINARIES] [RUNS]
Prints milliseconds at the median and the 95th percentile, the most memory that was resident (seen by strace), and the
ratio to /bin/true in the same run. Needs a profile: TELEPORT_HOME names the folder of one. `cargo bench --bench gate` makes one and runs this.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

BINARIES = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release")
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 200


def memory(argv, env):
    """The most memory that was resident, in KiB. What wait4 tells counts this script's own memory too, from before the
    exec; so strace holds the process at its very end, and its high-water mark is read there."""
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=exit_group", "-e",
             "inject=exit_group:delay_enter=300000", *argv]
    with subprocess.Popen(trace, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as strace:
        peak = 0
        while strace.poll() is None:
            try:
                with open(f"/proc/{strace.pid}/task/{strace.pid}/children") as file:
                    children = file.read().split()
                for child in children:
                    if os.path.realpath(f"/proc/{child}/exe") == os.path.realpath(argv[0]):
                        with open(f"/proc/{child}/status") as file:
                            peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)))
            except (OSError, AttributeError):
                pass  # it is between two lives
            time.sleep(0.01)
    return peak


def measure(argv, env, runs=RUNS):
    """Times of whole processes in milliseconds, and the largest resident set in KiB."""
    times = []
    for i in range(runs + 5):
        begin = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, env, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
        ])
        _, status = os.waitpid(pid, 0)
        took = (time.perf_counter() - begin) * 1000
        if status != 0:
            sys.exit(f"{' '.join(argv)} ended with status {os.waitstatus_to_exitcode(status)}")
        if i >= 5:  # the first few warm the page cache
            times.append(took)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)], memory(argv, env)


def main():
    home = os.environ.get("TELEPORT_HOME")
    if not home:
        sys.exit("set TELEPORT_HOME to a folder in which `tsh login` was done, for example that of `jumpgate demo`")
    env = {"TELEPORT_HOME": home, "PATH": "/usr/bin:/bin", "HOME": tempfile.gettempdir(),
           "KUBERNETES_EXEC_INFO": '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1",'
                                   '"spec":{"interactive":false}}'}
    tsh = os.path.join(BINARIES, "tsh")
    status = subprocess.run([tsh, "status"], env=env, capture_output=True, text=True, check=True).stdout
    proxy = re.search(r"https://(\S+)", status).group(1)
    rows = [("/bin/true", ["/bin/true"]), ("tsh version", [tsh, "version"]), ("tsh status", [tsh, "status"]),
            ("tsh kube credentials", [tsh, "kube", "credentials", f"--proxy={proxy}"])]
    base = None
    print(f"{'command':<24}{'median':>10}{'p95':>10}{'memory':>11}{'ratio':>8}")
    for name, argv in rows:
        median, p95, peak = measure(argv, env)
        base = base or median
        print(f"{name:<24}{median:>7.2f} ms{p95:>7.2f} ms{peak / 1024:>7.1f} MiB{median / base:>8.2f}")


main()
