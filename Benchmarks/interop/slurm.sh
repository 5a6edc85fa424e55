#!/bin/bash
# Runs a command with a Slurm of its own: controller, two nodes and munge on this machine, in a temporary
# folder. They end with the command.
#
# Usage: slurm.sh COMMAND …
#
# Needs Debian's packages slurmctld, slurmd, slurm-client and munge, and installs them where it may. Each node
# has SLURM_NODE_CPUS processors (4), whatever the machine has. Partitions: work (the default), and urgent,
# whose jobs put back those of work. A job may begin anew 6 seconds after it went back. SLURM_PORT (17600) and
# the three ports after it are used.
set -euo pipefail
[ $# -gt 0 ] || { echo 'usage: slurm.sh COMMAND …' >&2; exit 2; }
port=${SLURM_PORT:-17600}
cpus=${SLURM_NODE_CPUS:-4}

if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || {
    echo 'error: Slurm is not installed.' >&2
    echo 'hint: apt-get install slurmctld slurmd slurm-client munge' >&2
    exit 2
  }
  # RUNLEVEL keeps the packages from starting daemons of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge >&2
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/saeline-slurm.XXXXXX")
processes=()
command=
finish() {
  [ -z "$command" ] || kill -TERM "$command" 2>/dev/null || true
  scancel --user="$(id -un)" 2>/dev/null || true
  for _ in $(seq 100); do
    [ -z "$(squeue -h -o %i 2>/dev/null)" ] && break
    sleep 0.2
  done
  # In the order in which they were started but munge, which the others speak through.
  for process in "${processes[@]:1}" "${processes[@]:0:1}"; do kill "$process" 2>/dev/null || true; done
  for process in "${processes[@]}"; do wait "$process" 2>/dev/null || true; done
  # Steps outlive their daemon: whatever was started with this Slurm's configuration ends here.
  for process in /proc/[0-9]*; do
    [ "${process#/proc/}" != $$ ] && grep -qsz "^SLURM_CONF=$folder/" "$process/environ" || continue
    [ "$(cat "$process/comm" 2>/dev/null)" = slurmstepd ] && kill -KILL "${process#/proc/}" 2>/dev/null || true
  done
  if [ -n "${SLURM_KEEP_LOGS:-}" ]; then mkdir -p "$SLURM_KEEP_LOGS" && cp "$folder"/*.log "$SLURM_KEEP_LOGS"; fi
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

chmod 755 "$folder"
mkdir -p "$folder/state" "$folder/node1" "$folder/node2"
(umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
host=$(hostname)
user=$(id -un)
cat > "$folder/slurm.conf" <<END
ClusterName=saeline
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=2
SlurmctldParameters=preempt_send_user_signal
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
MinJobAge=3600
OverTimeLimit=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.log
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=$cpus RealMemory=16000
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=$cpus RealMemory=16000
PartitionName=work Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=node[1-2] MaxTime=INFINITE State=UP PriorityTier=10
END
export SLURM_CONF=$folder/slurm.conf

munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" \
  --num-threads=4 > "$folder/munged.out" 2>&1 &
processes+=($!)
for _ in $(seq 50); do [ -S "$folder/munge.socket" ] && break; sleep 0.1; done
slurmctld -D -c > "$folder/slurmctld.out" 2>&1 &
processes+=($!)
for node in node1 node2; do
  slurmd -D -N "$node" > "$folder/$node.out" 2>&1 &
  processes+=($!)
done
for _ in $(seq 100); do
  [ "$(sinfo -h -p work -t idle -o %D 2>/dev/null | head -1)" = 2 ] && break
  sleep 0.2
done
[ "$(sinfo -h -p work -t idle -o %D 2>/dev/null | head -1)" = 2 ] || {
  echo "error: the nodes did not come up." >&2
  tail -n 20 "$folder"/*.out "$folder"/*.log >&2
  exit 1
}
# In the background, so that a signal to this script ends it at once.
"$@" <&0 &
command=$!
wait "$command"
