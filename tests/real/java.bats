#!/usr/bin/env bats
# packages: default-jdk-headless

load common

prepare() {
  echo "public class Hello { public static void main(String[] a) { System.out.println(\"hello\"); System.exit(3); } }" >Hello.java
  javac Hello.java
  command=(java -cp "$WORK" Hello)
}

@test "Java" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "Java, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
