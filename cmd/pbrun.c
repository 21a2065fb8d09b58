/*
 * pbrun - start a program with the pages it is going to need already on their way into memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "sys/cleanup.h"
#include "sys/privs.h"
#include "target.h"

/* Nothing that pbrun opens may take the place of a standard descriptor that is closed. The program finds it
 * closed, as it was. */
static void reserve_standard_descriptors(void)
{
	int fd = -1;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char *argv[])
{
	struct arguments arguments;
	cleanup_free char *problem = NULL;
	int r = privs_drop_granted();

	reserve_standard_descriptors();
	if (r < 0) {
		fprintf(stderr,
			"pbrun: cannot give up the privileges of its file: %s (take them away: chmod "
			"u-s,g-s; setcap -r)\n",
			strerror(-r));
		return EXIT_USAGE;
	}

	const char *name = target_called_as(argv);

	if (name)
		return cmd_launch_as(name, argv);
	r = arguments_parse(argc, argv, &arguments, &problem);
	if (r < 0)
		wrong_use("%s", problem ? problem : strerror(-r));
	return command_rows[arguments.command].run(&arguments);
}
