/*
 * script.h - programs that begin with "#!" (execve(2)).
 */
#ifndef PBRUN_SCRIPT_H
#define PBRUN_SCRIPT_H

#include <stdbool.h>

#include "sys/cleanup.h"

#define SCRIPT_INTERPRETER_BYTES 256
/* An interpreter may be a script, so often: the kernel's own limit (fs/exec.c). */
#define SCRIPT_MAX_INTERPRETERS 5

/* The interpreter of the script at path, without its argument. False if path is no script, or names none by
 * an absolute path. */
bool script_read_interpreter(const char *path, char ret_interpreter[static SCRIPT_INTERPRETER_BYTES]);

#endif
