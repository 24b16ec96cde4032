#!/usr/bin/env python3
"""Whole processes, side by side: `tsh version`, `tsh status` and a warm `tsh kube credentials` beside /bin/true, beside
what benches/peer.sh does with curl and jq, and beside a stock tsh if STOCK_TSH names its binary.

Usage: benches/processes.py [FOLDER-OF-BINARIES] [RUNS]
Prints milliseconds at the median and the 95th percentile, the most memory that was resident (seen by strace), and the
ratio to /bin/true in the same run; then the sizes of the binaries. Needs a profile: TELEPORT_HOME names the folder of one.
With GATE_ADMIN, the address of its gate's admin API, the next certificate is fetched too, by `tsh login --renew` and by
benches/peer.sh. `cargo bench --bench gate` makes such a profile and runs this.
"""

import json
import os
import re
import shutil
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
            if argv[0] == os.environ.get("STOCK_TSH"):
                return None  # an old one does not know every command
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
    with tempfile.TemporaryDirectory() as folder:
        table(rows(tsh, proxy, env, folder), env)
        if os.environ.get("GATE_ADMIN"):
            table(cold_rows(tsh, proxy, home, folder), env, runs=max(10, RUNS // 10))
    for name in ("tsh", "tctl", "jumpgate"):
        path = os.path.join(BINARIES, name)
        if os.path.exists(path):
            print(f"{name:<34}{os.path.getsize(path) / 1e6:>7.1f} MB")


PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.sh")


def rows(tsh, proxy, env, folder):
    """The warm commands. The peer's cache holds what ours gives out."""
    credentials = [tsh, "kube", "credentials", f"--proxy={proxy}"]
    answer = json.loads(subprocess.run(credentials, env=env, capture_output=True, text=True, check=True).stdout)["status"]
    cache = os.path.join(folder, "cache")
    with open(cache, "w") as file:
        json.dump({"end": answer["expirationTimestamp"], "cert": answer["clientCertificateData"],
                   "key": answer["clientKeyData"]}, file)
    found = [("/bin/true", ["/bin/true"]), ("tsh version", [tsh, "version"]), ("tsh status", [tsh, "status"]),
             ("tsh kube credentials", credentials), ("the same by sh and jq", [PEER, "warm", cache])]
    stock = os.environ.get("STOCK_TSH")
    if stock:
        found += [("stock tsh version", [stock, "version"]), ("stock tsh status", [stock, "status"]),
                  ("stock tsh kube credentials", [stock, *credentials[1:]])]
    return found


def cold_rows(tsh, proxy, home, folder):
    """A new key and its certificate, asked of the gate over a new connection."""
    keys = os.path.join(home, "keys", proxy.rsplit(":", 1)[0])
    user = next(name.removesuffix("-x509.pem") for name in sorted(os.listdir(keys)) if name.endswith("-x509.pem"))
    # The peer signs in with a certificate that stays the same.
    for name, source in (("ca", "certs.pem"), ("cert", f"{user}-x509.pem"), ("key-old", user)):
        shutil.copy(os.path.join(keys, source), os.path.join(folder, name))
    parts = [os.path.join(folder, name) for name in ("ca", "cert", "key-old")]
    peer = [PEER, "cold", os.path.join(folder, "cache"), os.environ["GATE_ADMIN"], *parts, folder]
    return [("/bin/true", ["/bin/true"]), ("tsh login --renew", [tsh, "login", "--renew", f"--proxy={proxy}"]),
            ("the same by sh, curl and jq", peer)]


def table(found, env, runs=RUNS):
    """Measures each row and prints it."""
    base = None
    print(f"{'command':<34}{'median':>10}{'p95':>10}{'memory':>11}{'ratio':>8}")
    for name, argv in found:
        seen = measure(argv, env, runs)
        if seen is None:
            print(f"{name:<34}{'is not known to it':>21}")
            continue
        median, p95, peak = seen
        base = base or median
        held = f"{peak / 1024:>7.1f} MiB" if peak else f"{'-':>11}"
        print(f"{name:<34}{median:>7.2f} ms{p95:>7.2f} ms{held}{median / base:>8.2f}")


main()
