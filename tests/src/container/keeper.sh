# Keeps one container going: in mounts of its own, so that none can stay behind, and again when it asks
# for a reboot, until it is switched off or standard input ends. It ends, too, when the test is killed.
# Usage: keeper NAME HOSTNAME LOWER DIRECTORY DISK ARGUMENTS...
# LOWER: directories that the disk lies over; DISK: a size, or - for that of DIRECTORY
set -eu
trap '' INT
name=$1 hostname=$2 lower=$3 directory=$4 disk=$5
shift 5
exec 3<&0 </dev/null

mkdir -p "$directory/root" "$directory/disk" /run/systemd/nspawn
[ "$disk" = - ] || mount -t tmpfs -o "size=$disk,mode=755" tmpfs "$directory/disk"
mkdir "$directory/disk/upper" "$directory/disk/work"
# systemd-nspawn expects that /run is in memory, as systemd has it.
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
mount -t overlay -o "lowerdir=$lower,upperdir=$directory/disk/upper,workdir=$directory/disk/work" \
  overlay "$directory/root"
echo "$hostname" >"$directory/root/etc/hostname"
# Empty, it is filled at the first boot.
: >"$directory/root/etc/machine-id"

# Without systemd around it nothing gives the container a control group of its own.
groups=""
if [ ! -d /run/systemd/system ]; then
  for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ ! -e "$tree/cgroup.procs" ] || groups="$groups $tree/$name"
  done
  # shellcheck disable=SC2086
  mkdir $groups
  set -- --keep-unit "$@"
fi

# shellcheck disable=SC2016
boot='for group in $1; do echo $$ >"$group/cgroup.procs"; done; shift; exec systemd-nspawn "$@"'
nspawn=""
switched_off=""
trap 'switched_off=yes; [ -z "$nspawn" ] || pkill -KILL -P "$nspawn" || kill -KILL "$nspawn"' TERM
# The power is cut, and there again.
cut=""
trap 'cut=yes; [ -z "$nspawn" ] || pkill -KILL -P "$nspawn" || kill -KILL "$nspawn"' USR1
(read -r _ <&3 || kill -TERM $$) &
reader=$!
# So systemd-nspawn says that it is to be started again.
code=133
while { [ "$code" = 133 ] || [ -n "$cut" ]; } && [ -z "$switched_off" ]; do
  cut=""
  sh -c "$boot" boot "$groups" --quiet --directory="$directory/root" --machine="$name" --register=no "$@" &
  nspawn=$!
  code=0
  wait "$nspawn" || code=$?
  # A wait that a signal has ended says nothing of what was waited for.
  [ -z "$cut" ] || wait "$nspawn" 2>/dev/null || true
done
# The wait above may have ended with the signal.
wait "$nspawn" 2>/dev/null || true
kill "$reader" 2>/dev/null || true
for group in $groups; do
  find "$group" -depth -type d -exec rmdir {} +
done
