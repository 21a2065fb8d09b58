/* exit.c - under the preset coverage, _exit(2) writes the counters first, as exit(3) does. */
#include <gcov.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

__attribute__((noreturn)) void __real__exit(int status);
__attribute__((noreturn)) void __wrap__exit(int status);

void __wrap__exit(int status)
{
	char name[16] = "";

	/* It was forked while other threads ran: one of them may have held the lock of malloc(3). */
	(void)prctl(PR_GET_NAME, name);
	if (strcmp(name, "restorewatchdog") != 0)
		__gcov_dump();
	__real__exit(status);
}
