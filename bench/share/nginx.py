# SPDX-License-Identifier: PostgreSQL
"""nginx of the distribution as a file server with sendfile. Its package is unpacked, not installed: that would start a
service of the machine's."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

CONFIG = """
daemon off; worker_processes 2; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""


class Nginx:
    def __init__(self, root: Path, files: Path, port: int) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._program = unpack(root)
        config = root / "nginx.conf"
        config.write_text(CONFIG.format(root=root, files=files, port=port), encoding="utf-8")
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen([self._program, "-p", root, "-c", config, "-e", root / "error.log"])
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            try:
                urllib.request.urlopen(self.url + "/", timeout=1)
            except urllib.error.HTTPError:
                return  # it answers
            except OSError:
                time.sleep(0.05)
            else:
                return
        sys.exit("nginx does not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def unpack(root: Path) -> Path:
    program = root / "package/usr/sbin/nginx"
    if not program.exists():
        subprocess.run(["apt-get", "download", "-q", "nginx"], cwd=root, check=True, stdout=subprocess.DEVNULL)
        (package,) = root.glob("nginx_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, root / "package"], check=True)
    return program
