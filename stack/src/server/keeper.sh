# shellcheck shell=sh
# Runs a program of PostgreSQL and stops it when the stack ends, for any reason: then the pipe on standard input closes.
# Usage: sh -c KEEPER keeper STOP LOG REMOVE COMMAND...
#   STOP    signals to stop it with, 20 s apart: "INT QUIT" (orderly, then at once)
#   LOG     file to which the program's output is appended
#   REMOVE  folder that is removed after the program was stopped, or nothing
# Prints the program's process id; ends with its exit status.
# The log may contain statements, with passwords in them.
umask 077
trap '' HUP INT TERM
stopped=
trap 'stopped=yes' USR1
stop=$1 log=$2 remove=$3
shift 3
exec 3<&0 </dev/null
"$@" 3<&- >>"$log" 2>&1 &
program=$!
echo "$program"
exec >/dev/null 2>&1
(
    read -r _ <&3
    kill -USR1 $$
    for signal in $stop KILL; do
        kill "-$signal" "$program"
        tenths=0
        while [ "$tenths" -lt 200 ]; do
            sleep 0.1
            tenths=$((tenths + 1))
        done
    done
) &
stopper=$!
wait "$program"
status=$?
if [ -n "$stopped" ]; then
    # USR1 interrupted the first wait.
    wait "$program"
    status=$?
fi
# Before its process id can be used again.
kill -KILL "$stopper"
[ -z "$stopped" ] || [ -z "$remove" ] || rm -rf "$remove"
exit "$status"
