# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Free ports and HTTP readiness on the loopback interface, with nothing but bash.

# Below the range from which the kernel takes ports for outgoing connections, so that none of those takes ours first.
readonly kFirstPort=20000
readonly kPortCount=12000

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  for _ in {1..200}; do
    port=$((kFirstPort + SRANDOM % kPortCount))
    is_listening "$port" || { printf '%s\n' "$port" && return 0; }
  done
  return 1
}

# Prints the status code with which a local port answers GET, or nothing within two seconds.
http_status() {
  local port=$1 path=$2
  # shellcheck disable=SC2016  # expanded by the inner shell
  timeout 2 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n" "$2" "$1" >&3
    read -r _ status _ <&3
    printf "%s\n" "$status"
  ' http_status "$port" "$path" 2>/dev/null
}
