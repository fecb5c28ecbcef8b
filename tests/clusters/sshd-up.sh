#!/usr/bin/env bash
# sshd-up.sh [STATE]: starts real OpenSSH servers with configurations, host keys, pids and logs of their own below STATE, proves them by logins, prints what a
# client needs as KEY=VALUE. Run again, it prints the same. Ended by sshd-down.sh STATE. PORT is SSHD_BASE_PORT.
#   cb-login  127.0.0.1:PORT+1  key, password, keyboard-interactive
#   cb-jump   127.0.0.1:PORT+2  key; a jump host (cb-via-jump is cb-login through it)
#   cb-mfa    127.0.0.1:PORT+3  key, and then password and one-time code
#   cb-ca     127.0.0.1:PORT+4  user certificates only, and shows one of its own, signed by keys/ca
#   cb-noisy  127.0.0.1:PORT+5  key; its login file takes a second, prints all sorts of things, and notes itself in STATE/run/logins; forwards no Unix sockets
# and where there are namespaces, two machines that share their files but /tmp, and have names of their own:
#   cb-node   NET.0.2:22        key, password; an address of its own over a link that can be cut: `ip link set PREFIX-host0 down`
#   cb-inner  NET.1.2:22        key, password; reached only through cb-node
# Settings: SSHD_BASE_PORT (16700), SSHD_TEST_USER (cluster), SSHD_NETNS (1; 0 for none), SSHD_NET (10.203), SSHD_NS_PREFIX (cb; at most 6 letters).
# All share a home of their own, STATE/home/all, but cb-noisy. The test user gets a known password: not for a machine that others can log in to.
# Without root: the servers run as oneself and let oneself in, by key alone. No password, no second factor, no namespaces, so neither cb-mfa, cb-node nor
# cb-inner; the settings of what is not there are empty.
set -euo pipefail
NAME=sshd
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/common.sh"
STATE=$(absolute "${1:-/tmp/cellburst-test/sshd}")
PORT=${SSHD_BASE_PORT:-16700} NETNS=${SSHD_NETNS:-1} NET=${SSHD_NET:-10.203} PREFIX=${SSHD_NS_PREFIX:-cb}
PASSPHRASE=key-passphrase SSHD=/usr/sbin/sshd
if is_root; then
  TEST_USER=${SSHD_TEST_USER:-cluster} PASSWORD=correct-horse-battery SERVERS=(login jump mfa ca noisy)
else
  TEST_USER=$(id -un) PASSWORD= SERVERS=(login jump ca noisy) NETNS=0
fi
export PATH=/usr/sbin:/sbin:$PATH

main() {
  claim "$STATE"
  install_ssh
  if is_root; then
    add_user "$TEST_USER"
    echo "$TEST_USER:$PASSWORD" | chpasswd || die "the password of $TEST_USER could not be set"
    mkdir -p /run/sshd
  fi
  mkdir -p "$STATE"/{hostkeys,keys,authorized,conf,run,log,bin,otp}
  chmod 700 "$STATE/keys" "$STATE/otp"
  # What sshd-down.sh has to take down again.
  printf 'PREFIX=%s\nNET=%s\n' "$PREFIX" "$NET" >"$STATE/conf/namespaces"
  mkdir -p "$STATE"/home/{all,noisy}
  chown "$TEST_USER": "$STATE"/home/{all,noisy}
  make_keys
  [ "$NETNS" = 0 ] || make_namespaces
  configure
  local server
  for server in "${SERVERS[@]}"; do start "$server"; done
  write_client_files
  prove
  say "ready: ${SERVERS[*]}"
  print_settings
}

# has SERVER: is it one of ours?
has() { case " ${SERVERS[*]} " in *" $1 "*) ;; *) return 1 ;; esac }

install_ssh() {
  local missing=()
  [ -x $SSHD ] || missing+=(openssh-server)
  command -v ssh >/dev/null || missing+=(openssh-client)
  ! has mfa || compgen -G '/lib/*/security/pam_google_authenticator.so' >/dev/null || missing+=(libpam-google-authenticator)
  [ "$NETNS" = 0 ] || command -v ip >/dev/null || missing+=(iproute2)
  install "${missing[@]}"
}

# key FILE TYPE PASSPHRASE
key() { [ -s "$1" ] || ssh-keygen -q -t "$2" -N "$3" -C "$(basename "$1")" -f "$1"; }

# sign FILE OPTION...: a certificate beside the key.
sign() { [ -s "$1-cert.pub" ] || ssh-keygen -q -s "$STATE/keys/ca" -I "$(basename "$1")" "${@:2}" "$1.pub" 2>"$STATE/log/sign.err" || die "$(cat "$STATE/log/sign.err")"; }

# One server has all three; to make an RSA key takes seconds.
host_key_types() { if [ "$1" = login ]; then echo ed25519 ecdsa rsa; else echo ed25519; fi; }

make_keys() {
  local server type
  for server in login jump mfa ca noisy node inner; do
    for type in $(host_key_types $server); do key "$STATE/hostkeys/$server.$type" "$type" ''; done
  done
  key "$STATE/keys/id_ed25519" ed25519 ''
  key "$STATE/keys/id_rsa" rsa ''
  key "$STATE/keys/id_passphrase" ed25519 "$PASSPHRASE"
  key "$STATE/keys/id_unknown" ed25519 ''
  key "$STATE/keys/ca" ed25519 ''
  key "$STATE/keys/id_certified" ed25519 ''
  sign "$STATE/keys/id_certified" -n "$TEST_USER"
  sign "$STATE/hostkeys/ca.ed25519" -h -n 127.0.0.1
  cat "$STATE"/keys/{id_ed25519,id_rsa,id_passphrase}.pub >"$STATE/authorized/$TEST_USER"
  chmod 644 "$STATE/authorized/$TEST_USER"
}

# In a namespace by nsenter: `ip netns exec` remounts /sys, which some containers forbid.
in_namespace() { nsenter --net="/run/netns/$PREFIX-$1" "${@:2}"; }

# A machine of its own, to those who log in: its name, its network, and a /tmp that no other machine sees but for STATE.
as_machine() {
  local own='hostname "$1"; mkdir -p /run/sshd-keep && mount --bind "$2" /run/sshd-keep && mount -t tmpfs -o mode=1777 tmpfs /tmp && mkdir -p "$2" && mount --move /run/sshd-keep "$2"; shift 2; exec "$@"'
  in_namespace "$1" unshare --uts --mount --propagation private sh -c "$own" sh "$PREFIX-$1" "$STATE" "${@:2}"
}

# login ─veth─ node ─veth─ inner. The unreachable routes stay: while a link is cut, packets would otherwise follow the default route out of the machine.
make_namespaces() {
  if ip netns list 2>/dev/null | grep -qw "$PREFIX-node"; then
    SERVERS+=(node inner)
    return
  fi
  ip netns add "$PREFIX-node" 2>"$STATE/log/netns.err" || { say "going on without network namespaces: $(tail -n 1 "$STATE/log/netns.err")"; return; }
  ip netns add "$PREFIX-inner"
  ip route replace unreachable "$NET.0.0/30" metric 4000
  ip route replace unreachable "$NET.1.0/30" metric 4000
  ip link add "$PREFIX-host0" type veth peer name eth0 netns "$PREFIX-node" || die "a pair of linked interfaces could not be made; SSHD_NETNS=0 goes without"
  ip addr add "$NET.0.1/30" dev "$PREFIX-host0"
  ip link set "$PREFIX-host0" up
  in_namespace node ip addr add "$NET.0.2/30" dev eth0
  in_namespace node ip link add eth1 type veth peer name eth0 netns "$PREFIX-inner"
  in_namespace node ip addr add "$NET.1.1/30" dev eth1
  in_namespace inner ip addr add "$NET.1.2/30" dev eth0
  local where interface
  for where in node:lo node:eth0 node:eth1 inner:lo inner:eth0; do
    interface=${where#*:}
    in_namespace "${where%:*}" ip link set "$interface" up
  done
  SERVERS+=(node inner)
}

# A server's address and port.
address() { case $1 in node) echo "$NET.0.2" ;; inner) echo "$NET.1.2" ;; *) echo 127.0.0.1 ;; esac }
port() { case $1 in login) echo $((PORT + 1)) ;; jump) echo $((PORT + 2)) ;; mfa) echo $((PORT + 3)) ;; ca) echo $((PORT + 4)) ;; noisy) echo $((PORT + 5)) ;; *) echo 22 ;; esac }

configure() {
  local server by_password=yes
  is_root || by_password=no
  for server in "${SERVERS[@]}"; do
    {
      server_options "$server"
      case $server in
        jump) printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\n' ;;
        ca) printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\nHostCertificate %s\nTrustedUserCAKeys %s\n' "$STATE/hostkeys/ca.ed25519-cert.pub" "$STATE/keys/ca.pub" ;;
        noisy) printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\nBanner %s\n' "$STATE/conf/banner" ;;
        mfa) printf 'PasswordAuthentication no\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n' ;;
        *) printf 'PasswordAuthentication %s\nKbdInteractiveAuthentication %s\n' $by_password $by_password ;;
      esac
    } >"$STATE/conf/$server"
  done
  printf 'Authorized use only.\n' >"$STATE/conf/banner"
  # Debian's bash reads ~/.bashrc before a command that sshd gives it.
  cat >"$STATE/home/noisy/.bashrc" <<END
echo login >>$STATE/run/logins
printf 'Welcome!\n{"frame": 1}\n\0\377\1cellburst-agent-\n'
echo 'complaint of a login file' >&2
sleep 1
END
  : >>"$STATE/run/logins"
  chmod 666 "$STATE/run/logins"
  if has mfa; then configure_mfa; fi
}

configure_mfa() {
  # sshd asks PAM for a service of its own program's name: a link of another name gives it rules of its own.
  ln -sf $SSHD "$STATE/bin/$PREFIX-sshd-mfa"
  [ -s "$STATE/otp/secret" ] || head -c 20 /dev/urandom | base32 | tr -d = >"$STATE/otp/secret"
  { cat "$STATE/otp/secret" && printf '" WINDOW_SIZE 5\n" TOTP_AUTH\n'; } >"$STATE/otp/$TEST_USER"
  chmod 600 "$STATE/otp/$TEST_USER" "$STATE/otp/secret"
  cat >"/etc/pam.d/$PREFIX-sshd-mfa" <<END
auth required pam_unix.so
auth required pam_google_authenticator.so secret=$STATE/otp/\${USER} user=root no_strict_owner [authtok_prompt=One-time code: ]
account required pam_unix.so
session required pam_permit.so
END
}

server_options() {
  cat <<END
Port $(port "$1")
ListenAddress $(address "$1")
$(for type in $(host_key_types "$1"); do echo "HostKey $STATE/hostkeys/$1.$type"; done)
PidFile $STATE/run/$1.pid
AuthorizedKeysFile $([ "$1" = ca ] && echo none || echo "$STATE/authorized/%u")
StrictModes no
UsePAM $(is_root && echo yes || echo no)
PermitRootLogin no
AllowUsers $TEST_USER
UseDNS no
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
Subsystem sftp internal-sftp
AllowTcpForwarding yes
AllowStreamLocalForwarding $([ "$1" = noisy ] && echo no || echo yes)
MaxSessions 10
MaxStartups 100
LoginGraceTime 20
AcceptEnv LANG LC_*
SetEnv HOME=$STATE/home/$([ "$1" = noisy ] && echo noisy || echo all)
END
}

# The program's own name differs for the one with a PAM service of its own.
program_of() { [ "$1" = mfa ] && echo "$PREFIX-sshd-mfa" || echo sshd; }

start() {
  local server=$1 command
  if running "$STATE/run/$server.pid" "$(program_of "$server")" >/dev/null; then return; fi
  case $server in
    node | inner) command=(as_machine "$server" $SSHD) ;;
    mfa) command=("$STATE/bin/$PREFIX-sshd-mfa") ;;
    *) command=($SSHD) ;;
  esac
  case $server in node | inner) ;; *) free_port "$(port "$server")" SSHD_BASE_PORT ;; esac
  rm -f "$STATE/log/$server.log"
  "${command[@]}" -f "$STATE/conf/$server" -E "$STATE/log/$server.log" </dev/null || die "sshd $server: $(tail -n 3 "$STATE/log/$server.log")"
  await 10 "sshd $server" "$STATE/log/$server.log" grep -q 'Server listening' "$STATE/log/$server.log"
}

write_client_files() {
  local server type place
  for server in "${SERVERS[@]}"; do
    place=$(address "$server")
    [ "$(port "$server")" = 22 ] || place="[$place]:$(port "$server")"
    if [ "$server" = ca ]; then
      echo "@cert-authority $place $(cut -d' ' -f1,2 "$STATE/keys/ca.pub")"
      continue
    fi
    for type in $(host_key_types "$server"); do echo "$place $(cut -d' ' -f1,2 "$STATE/hostkeys/$server.$type.pub")"; done
  done >"$STATE/known_hosts"
  {
    for server in "${SERVERS[@]}"; do
      printf 'Host cb-%s\n  HostName %s\n  Port %s\n' "$server" "$(address "$server")" "$(port "$server")"
      [ "$server" != inner ] || echo '  ProxyJump cb-node'
      [ "$server" != ca ] || echo "  IdentityFile $STATE/keys/id_certified"
    done
    printf 'Host cb-via-jump\n  HostName 127.0.0.1\n  Port %s\n  ProxyJump cb-jump\n' "$(port login)"
    cat <<END
Host *
  User $TEST_USER
  IdentityFile $STATE/keys/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile $STATE/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
END
  } >"$STATE/ssh_config"
  chmod 644 "$STATE/ssh_config" "$STATE/known_hosts"
}

# A jump started by ProxyJump reads its own configuration unless -F is given, which it inherits.
prove() {
  local host said hosts=(cb-login cb-via-jump cb-ca)
  ! has node || hosts+=(cb-node cb-inner)
  for host in "${hosts[@]}"; do
    said=$(timeout 20 ssh -F "$STATE/ssh_config" -o BatchMode=yes "$host" 'echo hello $USER' 2>"$STATE/log/proof.err") || die "ssh $host: $(tail -n 3 "$STATE/log/proof.err")"
    [ "$said" = "hello $TEST_USER" ] || die "ssh $host said: $said"
  done
}

print_settings() {
  cat <<END
SSHD_STATE=$STATE
SSHD_CONFIG=$STATE/ssh_config
SSHD_KNOWN_HOSTS=$STATE/known_hosts
SSHD_HOSTS=$(printf 'cb-%s ' "${SERVERS[@]}")cb-via-jump
SSHD_USER=$TEST_USER
SSHD_PASSWORD=$PASSWORD
SSHD_KEYS=$STATE/keys
SSHD_KEY_PASSPHRASE=$PASSPHRASE
SSHD_LOGIN=127.0.0.1:$(port login)
SSHD_JUMP=127.0.0.1:$(port jump)
SSHD_MFA=$(! has mfa || echo "127.0.0.1:$(port mfa)")
SSHD_HOME=$STATE/home/all
SSHD_CA=127.0.0.1:$(port ca)
SSHD_NODES=$(! has node || echo "$NET.0.2 $NET.1.2")
SSHD_MFA_SECRET_FILE=$(! has mfa || echo "$STATE/otp/secret")
SSHD_LINK=$(! has node || echo "$PREFIX-host0")
END
}

main
