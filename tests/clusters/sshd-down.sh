#!/usr/bin/env bash
# sshd-down.sh [STATE] [--purge]: ends the servers of sshd-up.sh STATE by the pids they wrote, and their sessions; removes namespaces, link, routes and PAM service.
set -uo pipefail
NAME=sshd STATE=/tmp/cellburst-test/sshd PREFIX=cb NET=10.203
. "$(dirname "$(readlink -f "$0")")/common.sh"
parse_down "$@"
[ ! -e "$STATE/conf/namespaces" ] || . "$STATE/conf/namespaces"
export PATH=/usr/sbin:/sbin:$PATH

# Descendants of a process, the youngest first.
descendants() { local child; for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do descendants "$child"; echo "$child"; done; }

for file in "$STATE"/run/*.pid; do
  [ -e "$file" ] || continue
  program=sshd
  [ "$(basename "$file")" != mfa.pid ] || program=$PREFIX-sshd-mfa
  if pid=$(running "$file" "$program"); then
    mapfile -t sessions < <(descendants "$pid")
    stop "$file" "$program" 3
    [ ${#sessions[@]} = 0 ] || kill -KILL "${sessions[@]}" 2>/dev/null
  fi
done
# Sessions outlive their listener; ours hold a log of this state directory open.
for directory in /proc/[0-9]*; do
  [ "$(readlink "$directory/exe" 2>/dev/null)" = /usr/sbin/sshd ] || continue
  for descriptor in "$directory"/fd/*; do
    case $(readlink "$descriptor" 2>/dev/null) in
      "$STATE"/log/*)
        mapfile -t session < <(descendants "${directory#/proc/}")
        kill -KILL "${session[@]}" "${directory#/proc/}" 2>/dev/null
        break
        ;;
    esac
  done
done
is_root || { finish_down; exit; }
for namespace in "$PREFIX-node" "$PREFIX-inner"; do
  ip netns list 2>/dev/null | grep -qw "$namespace" || continue
  for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
  ip netns del "$namespace"
done
ip link del "$PREFIX-host0" 2>/dev/null
for n in 0 1; do ip route del unreachable "$NET.$n.0/30" metric 4000 2>/dev/null; done
rm -f "/etc/pam.d/$PREFIX-sshd-mfa"
finish_down
