#!/usr/bin/env bats
# packages: busybox-static desktop-file-utils fish python3 systemd zsh
# pbrun in front of everyday programs: under their own names, by aliases, desktop entries, units.

# shellcheck disable=SC2030,SC2031 # each test has a PATH of its own

bats_require_minimum_version 1.5.0
load common

setup() {
  make_work
  mkdir links real
  cp "$PBRUN" "$WORK/pbrun"
  export HOME=$WORK/home XDG_DATA_HOME=$WORK/home/data XDG_CONFIG_HOME=$WORK/home/config
  export XDG_DATA_DIRS=$WORK/share XDG_RUNTIME_DIR=$WORK/run
  mkdir -p home share/applications run
  chmod 755 home
}

# A program that says how it was called.
make_program() { # FILE
  # shellcheck disable=SC2016 # it is the script's
  printf '%s\n' '#!/bin/sh' 'echo "$0" "$@"' >"$1"
  chmod +x "$1"
}

@test "a link with a program's name runs the program, and it is recorded" {
  make_program real/tool
  ln -s ../pbrun links/tool
  for record in train none; do
    run env PATH="$WORK/links:$WORK/real:$PATH" PBRUN_RECORD=$record tool a --version "b c"
    [ "$status" -eq 0 ]
    [ "$output" = "$WORK/real/tool a --version b c" ]
  done
  [ "$("$PBRUN" --json --list | json - 'j["shadows"][0]["program"]')" = "$WORK/real/tool" ]
  # By its path, from a PATH without it, and where the directory is the working directory.
  run env PATH="$WORK/real:$PATH" "$WORK/links/tool" x
  [ "$output" = "$WORK/real/tool x" ]
  run env -C real PATH="$WORK/links::$PATH" tool x
  [ "$output" = "./tool x" ]
}

@test "the exit status and the standard descriptors are those of the program" {
  ln -s ../pbrun links/sh
  export PATH="$WORK/links:$PATH"
  run sh -c 'exit 7'
  [ "$status" -eq 7 ]
  [ "$(echo in | "$WORK/links/sh" -c 'cat; kill -TERM $$' || true)" = in ]
}

@test "a link does not loop: disabled, twice in PATH, two versions of pbrun, pbrun before a link" {
  make_program real/tool
  mkdir links2
  cp "$PBRUN" links2/pbrun
  # Another version is another file: one byte more.
  echo >>links2/pbrun
  ln -s ../pbrun links/tool
  ln -s pbrun links2/tool
  export PATH="$WORK/links:$WORK/links2:$WORK/links:$WORK/real:$PATH"
  run timeout 60 tool 1
  [ "$output" = "$WORK/real/tool 1" ]
  PBRUN_DISABLE=1 run timeout 60 tool 2
  [ "$output" = "$WORK/real/tool 2" ]
  run timeout 60 "$WORK/pbrun" tool 3
  [ "$output" = "$WORK/real/tool 3" ]
  run timeout 60 "$WORK/pbrun" links/tool 4
  [ "$output" = "$WORK/real/tool 4" ]
}

@test "a link without a program behind it is 127, and says so" {
  ln -s ../pbrun links/no-such-tool
  run -127 timeout 60 env PATH="$WORK/links:$PATH" no-such-tool
  [ "$output" = "pbrun: no-such-tool: no other program of this name is in PATH (is it installed, and in PATH?)" ]
  run -127 timeout 60 "$WORK/pbrun" "$WORK/links/no-such-tool"
  run -127 timeout 60 "$WORK/links/no-such-tool"
  [ "$output" = "pbrun: no-such-tool: no other program of this name is in PATH (is it installed, and in PATH?)" ]
}

@test "a multi-call program behind a link knows its name; a false argv[0] or a copy is not taken for one" {
  ln -s "$(command -v busybox)" real/echo
  ln -s ../pbrun links/echo
  run env PATH="$WORK/links:$WORK/real:$PATH" echo hello
  [ "$output" = hello ]
  # shellcheck disable=SC2016
  run bash -c 'exec -a other "$1" true' bash "$WORK/pbrun"
  [ "$status" -eq 0 ]
  cp "$PBRUN" other
  [ "$(./other echo x)" = x ]
  # A login shell keeps its dash.
  ln -s ../pbrun links/bash
  # shellcheck disable=SC2016
  run env PATH="$WORK/links:$PATH" /bin/bash -c 'exec -a -bash "$1" -c "echo \$0; shopt -q login_shell"' bash \
    "$WORK/links/bash"
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = -bash ]
}

@test "python behind a link finds itself, not pbrun" {
  ln -s ../pbrun links/python3
  run env PATH="$WORK/links:/usr/bin:/bin" python3 -c 'import sys; print(sys.executable, sys.prefix)'
  [ "$output" = "/usr/bin/python3 /usr" ]
}

@test "--argv0 gives the program another name" {
  # shellcheck disable=SC2016
  run "$PBRUN" --argv0 other sh -c 'cat /proc/$$/cmdline | tr "\0" " "'
  [[ $output == "other -c "* ]]
  [ "$("$PBRUN" --argv0=echo busybox hello)" = hello ]
}

@test "--alias prints lines that bash, zsh and fish take" {
  printf '%s\n' '#!/bin/sh' "echo pbrun: \"\$@\"" >fake
  mkdir "it's"
  make_program "it's/tool"
  for shell in bash zsh fish; do
    "$PBRUN" --alias --shell "$shell" echo "it's/tool" >"aliases.$shell"
    [ "$(wc -l <"aliases.$shell")" -eq 2 ]
  done
  # The program is pbrun's, in each.
  [ "$(PBRUN_RECORD=none bash -c 'shopt -s expand_aliases; . ./aliases.bash
eval "echo a"; eval "tool b"; type -t echo')" = "$(printf '%s\n' a "$WORK/it's/tool b" alias)" ]
  [ "$(PBRUN_RECORD=none zsh -fc '. ./aliases.zsh; eval "echo a"; eval "tool b"; whence -w echo')" = \
    "$(printf '%s\n' a "$WORK/it's/tool b" "echo: alias")" ]
  [ "$(PBRUN_RECORD=none fish --no-config -c 'source aliases.fish; echo a; tool b; type -t echo')" = \
    "$(printf '%s\n' a "$WORK/it's/tool b" function)" ]
  # By $SHELL; "pbrun" where PATH has it.
  [ "$(SHELL=/usr/bin/fish PATH=$WORK:$PATH "$WORK/pbrun" --alias cat)" = "alias cat 'pbrun cat'" ]
  [ "$(SHELL=/bin/bash PATH=$WORK:$PATH "$WORK/pbrun" --alias cat)" = "alias cat='pbrun cat'" ]
  run "$PBRUN" --alias --shell bash no-such-program cat
  [ "$status" -eq 1 ]
  [ "${lines[0]}" = "pbrun: alias: no-such-program: no such program in PATH (is it installed?)" ]
  [[ ${lines[1]} == "alias cat="* ]]
  run "$PBRUN" --alias --shell csh cat
  [ "$status" -eq 125 ]
}

make_entry() { # FILE
  mkdir -p "$(dirname "$1")"
  cat >"$1" <<'END'
[Desktop Entry]
Type=Application
Name=Tool
Name[de]=Werkzeug
TryExec=sh
Exec=sh -c "echo \\"a b\\" \\$0" %u
StartupWMClass=Tool
Actions=new;

[Desktop Action new]
Name=New
Exec=tool --new
END
}

@test "--desktop: a copy that starts through pbrun, and --undo" {
  make_entry share/applications/tool.desktop
  desktop-file-validate share/applications/tool.desktop
  run "$PBRUN" --desktop tool
  [ "$status" -eq 0 ]
  copy=home/data/applications/tool.desktop
  [ "$output" = "wrote $WORK/$copy" ]
  desktop-file-validate "$copy"
  [ "$(stat -c %a "$copy")" = 644 ]
  # Nothing but Exec= and one key.
  diff <(grep -v X-Pbrun-Source "$copy") <(sed "s,^Exec=,&$PBRUN ," share/applications/tool.desktop)
  [ "$(grep -c "^Exec=$PBRUN " "$copy")" -eq 2 ]
  grep -qx "X-Pbrun-Source=$WORK/share/applications/tool.desktop" "$copy"
  # Once more: from the source again.
  echo 'X-New=1' >>share/applications/tool.desktop
  "$PBRUN" --desktop tool.desktop
  [ "$(grep -c "$PBRUN" "$copy")" -eq 2 ]
  grep -q X-New=1 "$copy"
  [[ $("$PBRUN" --wrapped) == "desktop "*" tool.desktop  $WORK/$copy" ]]
  run "$PBRUN" --undo tool
  [ "$output" = "took back $WORK/$copy" ]
  [ ! -e "$copy" ]
  run "$PBRUN" --undo --desktop tool
  [ "$status" -eq 1 ]
  [ -z "$(find home -type f)" ]
}

@test "--desktop keeps the user's own entry, and --undo brings it back" {
  own=home/data/applications/tool.desktop
  make_entry share/applications/tool.desktop
  make_entry "$own"
  echo "X-Mine=1" >>"$own"
  cp "$own" expected
  "$PBRUN" --desktop tool
  "$PBRUN" --desktop tool
  grep -q X-Mine=1 "$own"
  grep -qx "Exec=$PBRUN tool --new" "$own"
  "$PBRUN" --desktop --undo tool
  cmp "$own" expected
  # It is no copy of pbrun's: it is not taken back.
  run "$PBRUN" --undo tool
  [ "$status" -eq 1 ]
  cmp "$own" expected
  [ "$(find home -type f | wc -l)" -eq 1 ]
}

@test "--desktop keeps an own entry that is a link, and finds where it leads" {
  own=home/data/applications/tool.desktop
  make_entry share/applications/tool.desktop
  make_entry home/mine
  echo "X-Mine=1" >>home/mine
  mkdir -p "${own%/*}"
  ln -s ../../mine "$own"
  "$PBRUN" --desktop tool
  "$PBRUN" --desktop tool
  grep -q X-Mine=1 "$own"
  "$PBRUN" --undo tool
  [ "$(readlink "$own")" = ../../mine ]
}

@test "--desktop finds an entry in a subdirectory by its ID, and refuses what starts nothing" {
  make_entry share/applications/kde4/a-tool.desktop
  "$PBRUN" --desktop kde4-a-tool
  [ -e home/data/applications/kde4-a-tool.desktop ]
  "$PBRUN" --undo kde4-a-tool.desktop
  printf '%s\n' '[Desktop Entry]' Type=Link Name=x URL=http://localhost/ >share/applications/link.desktop
  printf '%s\n' '[Desktop Entry]' Type=Application Name=x Exec=x Hidden=true >share/applications/hidden.desktop
  printf '%s\n' '[Desktop Entry]' Type=Application Name=x 'Exec=pbrun x' >share/applications/already.desktop
  for id in link hidden already none ../tool ''; do
    run "$PBRUN" --desktop "$id"
    echo "$id: $output"
    [ "$status" -eq 1 ]
    [[ $output == "pbrun: desktop: "* ]]
  done
  [ -z "$(find home -type f)" ]
  [ "$("$PBRUN" --wrapped)" = "Nothing is started through pbrun." ]
}

@test "--desktop as root does not write where somebody else's link leads" {
  ((EUID == 0)) || skip "needs root"
  make_entry share/applications/tool.desktop
  mkdir -p home/data target
  chmod 755 target
  ln -s "$WORK/target" home/data/applications
  chown -hR 65534:65534 home
  run "$PBRUN" --desktop tool
  [ "$status" -eq 1 ]
  [ -z "$(ls target)" ]
  rm home/data/applications
  run "$PBRUN" --desktop tool
  [ "$status" -eq 1 ]
  [[ $output == *"another user"* ]]
  [ -z "$(find home -type f)" ]
}

verify() { # UNIT
  # Only what is said of this unit, and of what it starts: the machine's other units are no matter.
  run systemd-analyze --user verify --man=no "$1"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output != *"${1##*/}"* ]]
}

@test "--unit: a drop-in for a service of the user's, and --undo" {
  mkdir -p home/config/systemd/user/tool.service.d
  service=home/config/systemd/user/tool.service
  printf '%s\n' '[Unit]' Description=Tool '[Service]' Type=oneshot "ExecStart=-/bin/echo a \\" "  'b c' %i" \
    "ExecStart=@/bin/echo tool \${HOME} ; /bin/true" >"$service"
  printf '%s\n' '[Service]' ExecStart=/bin/true >home/config/systemd/user/tool.service.d/override.conf
  run "$PBRUN" --unit tool
  [ "$status" -eq 0 ]
  drop_in=home/config/systemd/user/tool.service.d/zz-pbrun.conf
  [ "${lines[0]}" = "wrote $WORK/$drop_in" ]
  [[ ${lines[1]} == *"systemctl --user daemon-reload" ]]
  diff <(sed 1d "$drop_in") - <<END
[Service]
ExecStart=
ExecStart=-$PBRUN /bin/echo a 'b c' %i
ExecStart=@$PBRUN pbrun --argv0 tool /bin/echo \${HOME} ; $PBRUN /bin/true
ExecStart=$PBRUN /bin/true
END
  [ "$(stat -c %a "$drop_in")" = 644 ]
  verify "$WORK/$service"
  # Its own drop-in is no part of what is wrapped again.
  cp "$drop_in" before
  "$PBRUN" --unit tool.service
  cmp "$drop_in" before
  [[ $("$PBRUN" --wrapped) == "user unit "*" tool.service  $WORK/$drop_in" ]]
  run "$PBRUN" --undo tool
  [ "$output" = "took back $WORK/$drop_in" ]
  [ ! -e "$drop_in" ]
  [ -e home/config/systemd/user/tool.service.d/override.conf ]
  rm -r home/config/systemd/user/tool.service.d
  "$PBRUN" --unit tool
  "$PBRUN" --undo --unit tool.service
  [ ! -e home/config/systemd/user/tool.service.d ]
}

@test "--unit: instances, other directories, and what is no service" {
  mkdir -p home/data/systemd/user home/config/systemd/user
  printf '%s\n' '[Service]' 'ExecStart=/bin/echo %i' >home/data/systemd/user/tool@.service
  "$PBRUN" --unit tool@a
  grep -qx "ExecStart=$PBRUN /bin/echo %i" home/config/systemd/user/tool@a.service.d/zz-pbrun.conf
  # systemd.unit(5): the directories that are configuration come before those that are data.
  mkdir -p xdg/systemd/user more/systemd/user share/systemd/user
  printf '%s\n' '[Service]' 'ExecStart=/bin/echo configured' >more/systemd/user/listed.service
  printf '%s\n' '[Service]' 'ExecStart=/bin/echo data' | tee share/systemd/user/listed.service >share/systemd/user/data.service
  XDG_CONFIG_DIRS=relative:$WORK/xdg:$WORK/more "$PBRUN" --unit listed data
  grep -qx "ExecStart=$PBRUN /bin/echo configured" home/config/systemd/user/listed.service.d/zz-pbrun.conf
  grep -qx "ExecStart=$PBRUN /bin/echo data" home/config/systemd/user/data.service.d/zz-pbrun.conf
  "$PBRUN" --undo listed data
  ln -s /dev/null home/config/systemd/user/masked.service
  printf '%s\n' '[Service]' 'Type=oneshot' >home/data/systemd/user/none.service
  printf '%s\n' '[Service]' RootDirectory=/srv ExecStart=/bin/true >home/data/systemd/user/elsewhere.service
  for unit in masked none elsewhere no-such tool.socket ../tool ''; do
    run "$PBRUN" --unit "$unit"
    echo "$unit: $output"
    [ "$status" -eq 1 ]
    [[ $output == "pbrun: unit: "* ]]
  done
  # A file of this name that is not pbrun's stays.
  printf '%s\n' '[Service]' >home/config/systemd/user/tool@a.service.d/zz-pbrun.conf
  for command in --undo --unit; do
    run "$PBRUN" "$command" tool@a
    [ "$status" -eq 1 ]
    [ "$(cat home/config/systemd/user/tool@a.service.d/zz-pbrun.conf)" = '[Service]' ]
  done
  [ -e home/config/systemd/user/tool@a.service.d/zz-pbrun.conf ]
  # One that is no drop-in of a service is none that --undo knows.
  "$PBRUN" --unit tool@b
  cp home/config/systemd/user/tool@b.service.d/zz-pbrun.conf home/config/systemd/user/
  [ "$("$PBRUN" --wrapped | grep -c '^user unit')" -eq 1 ]
}

@test "--unit: drop-ins of all services whose names begin alike" {
  units=home/config/systemd/user
  for name in a-b@ a-b-c; do
    mkdir -p "$units"
    printf '%s\n' '[Service]' Type=oneshot ExecStart=/bin/true >"$units/$name.service"
  done
  for name in a- a-b- a-@x a-@ service; do
    directory=$units/$name.service.d
    [ "$name" != service ] || directory=$units/service.d
    mkdir "$directory"
    printf '%s\n' '[Service]' "ExecStart=/bin/echo $name" >"$directory/of-$name.conf"
  done
  "$PBRUN" --unit a-b@x a-b-c
  [ "$(sed -n 's/^ExecStart=.*echo //p' "$units/a-b@x.service.d/zz-pbrun.conf" | paste -sd' ')" = "a- a-@ a-@x service" ]
  [ "$(sed -n 's/^ExecStart=.*echo //p' "$units/a-b-c.service.d/zz-pbrun.conf" | paste -sd' ')" = "a- a-b- service" ]
}

@test "--unit --system: root's services record for all users" {
  ((EUID == 0)) || skip "needs root"
  cat >script <<'END'
set -e
mount -t tmpfs tmpfs /etc/systemd/system
mkdir /etc/systemd/system/other.service.d
printf '%s\n' '[Service]' ExecStart=+/bin/true >/etc/systemd/system/tool.service
printf '%s\n' '[Service]' User=nobody ExecStart=/bin/true >/etc/systemd/system/other.service
"$PBRUN" --unit --system tool other
cat /etc/systemd/system/*.d/zz-pbrun.conf | grep =.
"$PBRUN" --wrapped
"$PBRUN" --undo --system tool other
find /etc/systemd/system -type f
END
  run unshare -m bash script
  echo "$output"
  [ "$status" -eq 0 ]
  grep -qx "ExecStart=+$PBRUN --dir /var/cache/pbrun /bin/true" <<<"$output"
  grep -qx "ExecStart=$PBRUN /bin/true" <<<"$output"
  grep -q "^system unit   tool.service " <<<"$output"
  [ "$(grep -c "^took back" <<<"$output")" -eq 2 ]
}

@test "--wrapped lists links" {
  ln -s ../pbrun links/tool
  ln -s ../pbrun links/pbrun
  ln -s links again
  PATH=$WORK/links:$WORK/again:$WORK/links:$PATH run "$WORK/pbrun" --wrapped
  [ "$output" = "link          tool  $WORK/links/tool" ]
}
