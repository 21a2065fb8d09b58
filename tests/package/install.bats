#!/usr/bin/env bats
# packages: cmake make gcc pkg-config libelf-dev libcap-dev libjansson-dev zlib1g-dev dpkg-dev lintian man-db
# packages: desktop-file-utils libglib2.0-bin
# From the sources to an installed program and back, in a root directory of its own: what is written there goes
# into a layer over the machine's.

load ../cli/common

setup_file() {
  ((EUID == 0)) || skip "needs root"
  BUILD=$(mktemp -d "${TMPDIR:-/tmp}/pbrun-package.XXXXXX")
  ROOT=$BUILD/root
  SOURCE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  WORK=$BUILD # for settled()
  export BUILD ROOT SOURCE WORK
  mkdir "$BUILD/layer" "$ROOT"
  mount -t tmpfs tmpfs "$BUILD/layer"
  mkdir "$BUILD/layer/upper" "$BUILD/layer/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$BUILD/layer/upper,workdir=$BUILD/layer/work" "$ROOT" ||
    { umount "$BUILD/layer"; skip "no overlay over the root directory"; }
  mount -t proc proc "$ROOT/proc"
  mount --bind /dev "$ROOT/dev"
  cp -r "$SOURCE" "$ROOT/tmp/pbrun-source"
  rm -rf "$ROOT/tmp/pbrun-source/build"
}

teardown_file() {
  ((EUID == 0)) || return 0
  settled
  umount "$ROOT/dev" "$ROOT/proc" "$ROOT" "$BUILD/layer"
  rm -rf "$BUILD"
}

inside() {
  chroot "$ROOT" /usr/bin/env -i WORK="$WORK" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 "$@"
}

is_recorded() { # PROGRAM
  inside pbrun --show "$1" >/dev/null 2>&1
}

# What is in the layer and has pbrun in its name, but for the sources.
left_over() {
  find "$BUILD/layer/upper" -path "$BUILD/layer/upper/tmp" -prune -o -name '*pbrun*' ! -type c -print
}

@test "cmake without a word on it builds a fast program: optimised, static but for libc" {
  inside cmake -S /tmp/pbrun-source -B /tmp/build -DBUILD_TESTING=OFF
  inside cmake --build /tmp/build -j2
  run inside ldd /tmp/build/pbrun
  [[ $output == *libc.so.6* && $output != *libelf* && $output != *libjansson* && $output != *libcap* ]]
  grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release$' "$ROOT/tmp/build/CMakeCache.txt"
  grep -q '"command": .* -O2 -DNDEBUG' "$ROOT/tmp/build/compile_commands.json"
}

# The links of the documents in a directory that lead nowhere.
broken_links() { # DIRECTORY
  local file link
  for file in "$1"/*.md "$1"/docs/*.md; do
    grep -oE '(\]\(|<img src=")[^)"#:]+' "$file" | sed -E 's/^(\]\(|<img src=")//' | grep -v ^https | while read -r link; do
      [ -e "${file%/*}/$link" ] || echo "$file: $link"
    done
  done
}

@test "cmake --install, and the target uninstall, which leaves nothing" {
  inside cmake --install /tmp/build
  grep -q '^# pbrun' "$ROOT/usr/local/share/doc/pbrun/README.md"
  [ -z "$(broken_links "$ROOT/usr/local/share/doc/pbrun" | tee /dev/stderr)" ]
  inside pbrun -r train cat /usr/local/share/doc/pbrun/LICENSE
  [ -d "$ROOT/var/cache/pbrun" ]
  [ -n "$(find "$ROOT/usr/local/lib" -path '*/pbrun/libpbrun-agent.so')" ]
  inside pbrun --doctor --json >"$BUILD/doctor" || true
  json "$BUILD/doctor" "[c['found'] for c in j['checks'] if c['id'] == 'agent']" | tee /dev/stderr |
    grep -q '/usr/local/.*/pbrun/libpbrun-agent.so works'
  inside man -w pbrun
  inside bash -c 'PBRUN_DIR=/tmp/shadows pbrun -r train true && PBRUN_DIR=/tmp/shadows pbrun --list' | grep -q /true
  inside cmake --build /tmp/build --target uninstall
  settled && rm -rf "$ROOT/root/.cache/pbrun"
  [ -z "$(left_over | tee /dev/stderr)" ]
}

@test "the Debian package is free of faults" {
  inside sh -c 'cd /tmp/build && cpack'
  run inside sh -c 'lintian --allow-root --pedantic --fail-on error,warning,pedantic /tmp/build/pbrun_*.deb 2>&1'
  echo "$output"
  [ "$status" -eq 0 ]
  # A distribution's own package replaces it.
  version=$(inside sh -c 'dpkg-deb -f /tmp/build/pbrun_*.deb Version')
  dpkg --compare-versions "$version" lt "${version%-*}-1"
}

@test "the Debian package: installed, used, purged, and nothing is left" {
  inside sh -c 'dpkg -i /tmp/build/pbrun_*.deb'
  [ -z "$(broken_links "$ROOT/usr/share/doc/pbrun" | tee /dev/stderr)" ]
  inside sh -c 'cd / && pbrun -d /var/cache/pbrun -r train true && pbrun -d /var/cache/pbrun --list' | grep -q /true
  inside man -w pbrun
  inside bash -c '. /usr/share/bash-completion/completions/pbrun && complete -p pbrun'
  [ -e "$ROOT/usr/share/zsh/vendor-completions/_pbrun" ]
  [ -e "$ROOT/usr/share/fish/vendor_completions.d/pbrun.fish" ]
  # A person's walk: a program twice, a look, its desktop entry through pbrun, back again, forgotten.
  inside sh -c 'cd / && cp /bin/cat /usr/local/bin/tool && pbrun tool /etc/passwd && pbrun tool /etc/passwd' >/dev/null
  inside pbrun --show tool | grep -q /usr/local/bin/tool
  mkdir -p "$ROOT/usr/share/applications"
  printf '%s\n' '[Desktop Entry]' Type=Application Name=Tool 'Exec=tool %f' >"$ROOT/usr/share/applications/tool.desktop"
  inside pbrun --desktop tool
  inside desktop-file-validate /root/.local/share/applications/tool.desktop
  inside pbrun --forget tool
  inside gio launch /root/.local/share/applications/tool.desktop /etc/passwd >/dev/null
  eventually is_recorded tool
  inside pbrun --undo tool
  inside pbrun --wrapped | grep -q Nothing
  inside pbrun --forget tool
  [ -z "$(find "$ROOT/root/.local/share" -type f -name 'tool*')" ]
  inside dpkg -r pbrun
  [ -n "$(ls "$ROOT/var/cache/pbrun")" ]
  inside dpkg -P pbrun
  [ ! -e "$ROOT/var/cache/pbrun" ]
  settled && rm -rf "$ROOT/root/.cache/pbrun"
  [ -z "$(left_over | tee /dev/stderr)" ]
}

@test "without an archive it is built with shared libraries, and says so" {
  find "$ROOT/usr" -name libjansson.a -delete
  run inside DEBFULLNAME='A Packager' DEBEMAIL=packager@mail.example cmake -S /tmp/pbrun-source -B /tmp/shared \
    -DBUILD_TESTING=OFF
  [ "$status" -eq 0 ]
  [[ $output == *"Shared libraries"*"libjansson.a not found"* ]]
  [[ $output != *"nobody as its maintainer"* ]]
  grep -qF 'CPACK_PACKAGE_CONTACT "A Packager <packager@mail.example>"' "$ROOT/tmp/shared/CPackConfig.cmake"
  inside cmake --build /tmp/shared -j2
  run inside ldd /tmp/shared/pbrun
  [[ $output == *libjansson* && $output == *libelf* ]]
  run inside cmake -S /tmp/pbrun-source -B /tmp/static -DPBRUN_STATIC=ON -DBUILD_TESTING=OFF
  [ "$status" -ne 0 ]
}
