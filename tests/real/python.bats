#!/usr/bin/env bats
# packages: python3

load common

prepare() {
  cat >script <<END
#!/usr/bin/python3 -I
import asyncio, ctypes, email.message, json, sqlite3, unittest.mock, xml.dom.minidom
print(json.dumps({"pages": [1, 2]}), sqlite3.connect(":memory:").execute("select 6 * 7").fetchone())
END
  chmod 755 script
  command=(./script)
}

@test "a Python script by its #! line" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "a Python script by its #! line, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
