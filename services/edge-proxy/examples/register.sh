#!/bin/sh
# register.sh ID APP REGION IP PORT: registers a backend and keeps it alive until it is ended.
# EDGEPROXY_URL: registration API of the point of presence. EDGEPROXY_API_TOKEN: where it asks for one.
set -eu
id=$1 app=$2 region=$3 ip=$4 port=$5
url=${EDGEPROXY_URL:-http://127.0.0.1:7081}/api/v1

ask() { # METHOD PATH [BODY]: prints the status; 000 when nobody answers.
  curl -s -m 5 -o /dev/null -w '%{http_code}' -X "$1" "$url$2" \
    ${EDGEPROXY_API_TOKEN:+-H "Authorization: Bearer $EDGEPROXY_API_TOKEN"} \
    ${3:+-H 'Content-Type: application/json' -d "$3"} || true
}

# The row would else stay until its lease is over.
trap 'ask DELETE "/backends/$id" >/dev/null; exit 0' INT TERM
body=$(printf '{"id":"%s","app":"%s","region":"%s","ip":"%s","port":%d}' "$id" "$app" "$region" "$ip" "$port")
while :; do
  status=$(ask POST "/heartbeat/$id")
  # What is not known, or not any more, is registered.
  [ "$status" != 404 ] || status=$(ask POST /register "$body")
  case $status in
    200) pause=20 ;;
    201) pause=20; echo "$id is registered" ;;
    000 | 5??) pause=1; echo "$url does not answer ($status)" >&2 ;;
    *) echo "$url refused it with $status" >&2; exit 1 ;;
  esac
  sleep "$pause" & wait $!
done
