#!/bin/sh
# Starts Dovecot, postgrey and Postfix on ports of 127.0.0.1, in a folder of their own, until Ctrl-C.
# Needs: root, and  apt-get install -y dovecot-imapd dovecot-lmtpd postfix postgrey
# Touches nothing of a mail system that is installed here; leaves nothing behind.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
password=${IMAP_PASSWORD:?set IMAP_PASSWORD to the password that the canary mailbox shall have}
plain="setpriv --reuid=nobody --regid=nogroup --clear-groups"

if [ "$(id -u)" != 0 ]; then
  echo "Postfix must be started as root" >&2
  exit 1
fi
for program in /usr/sbin/dovecot /usr/sbin/postgrey /usr/lib/postfix/sbin/master; do
  if [ ! -x "$program" ]; then
    echo "missing $program: apt-get install -y dovecot-imapd dovecot-lmtpd postfix postgrey" >&2
    exit 1
  fi
done

chmod 755 "$dir"
mkdir "$dir/etc" "$dir/queue" "$dir/data" "$dir/grey" "$dir/run" "$dir/mail"
chown nobody:nogroup "$dir" "$dir/grey" "$dir/run" "$dir/mail"
chown postfix "$dir/data"
for file in main.cf master.cf discard.regexp dovecot.conf; do
  sed -e "s#@DIR@#$dir#" -e "s#@PASSWORD@#$password#" \
    -e "s#@USER@#nobody#" -e "s#@GROUP@#nogroup#" -e "s#@UID@#65534#" -e "s#@GID@#65534#" \
    -e "s#@IMAP@#19143#" -e "s#@LMTP@#19024#" -e "s#@STRAIGHT@#19025#" -e "s#@DETOUR@#19026#" \
    -e "s#@HOP@#19027#" -e "s#@DISCARDING@#19028#" -e "s#@POSTGREY@#19029#" \
    "$here/$file" >"$dir/etc/$file"
done
sed -i "s#@DIR@#$dir#g" "$dir"/etc/*

pids=""
finish() {
  # shellcheck disable=SC2086
  kill $pids 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' INT TERM

$plain dovecot -F -c "$dir/etc/dovecot.conf" >"$dir/dovecot.out" 2>&1 </dev/null &
pids="$pids $!"
$plain postgrey --inet=127.0.0.1:19029 --delay=4 --dbdir="$dir/grey" --pidfile="$dir/grey/pid" \
  --user=nobody --group=nogroup --auto-whitelist-clients=0 \
  --whitelist-clients=/dev/null --whitelist-recipients=/dev/null >"$dir/grey.out" 2>&1 </dev/null &
pids="$pids $!"
postfix -c "$dir/etc" check
/usr/lib/postfix/sbin/master -c "$dir/etc" -d >"$dir/master.out" 2>&1 </dev/null &
pids="$pids $!"

echo "The mail system runs in $dir; Postfix logs to $dir/postfix.log. Ctrl-C ends it and removes the folder."
wait
