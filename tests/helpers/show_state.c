/* Prints everything that a program inherits from who starts it, for comparison. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void show_lines(const char *path, const char *const keys[])
{
	char line[4096];
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (!keys)
			fputs(line, stdout);
		for (size_t i = 0; keys && keys[i]; i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				fputs(line, stdout);
	}
	fclose(file);
}

static void show_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char link[64];
		char target[4096] = "";
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, target, sizeof(target) - 1) < 0)
			strcpy(target, "?");
		printf("fd %d %s flags %d status %o\n", fd, target, flags, (unsigned int)fcntl(fd, F_GETFL));
	}
}

static void show_signals(void)
{
	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction action;

		if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("signal %d %s\n", signal,
			       action.sa_handler == SIG_IGN ? "ignored" : "handled");
	}
}

int main(int argc, char *argv[], char *envp[])
{
	static const char *const status_keys[] = { "Umask:",      "Groups:", "Uid:",     "Gid:",   "Cap",
						   "NoNewPrivs:", "Seccomp", "SigBlk",   "SigIgn", "SigCgt",
						   "SigPnd",      "ShdPnd",  "Threads:", NULL };
	struct itimerval timer;
	char directory[4096];
	int death_signal = 0;

	for (int i = 0; i < argc; i++)
		printf("argument %s\n", argv[i]);
	for (char **variable = envp; *variable; variable++)
		if (strncmp(*variable, "_=", 2) != 0)
			printf("environment %s\n", *variable);
	printf("directory %s\n", getcwd(directory, sizeof(directory)));
	show_lines("/proc/self/status", status_keys);
	show_lines("/proc/self/limits", NULL);
	show_lines("/proc/self/oom_score_adj", NULL);
	show_lines("/proc/self/cgroup", NULL);
	show_signals();
	show_descriptors();
	printf("nice %d policy %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
	printf("group leader %d session leader %d\n", getpgrp() == getpid(), getsid(0) == getpid());
	printf("group as parent's %d session as parent's %d\n", getpgrp() == getpgid(getppid()),
	       getsid(0) == getsid(getppid()));
	printf("terminal %d foreground %d\n", isatty(0), tcgetpgrp(0) == getpgrp());
	getitimer(ITIMER_REAL, &timer);
	printf("timer %ld %ld\n", (long)timer.it_value.tv_sec / 10, (long)timer.it_interval.tv_sec);
	printf("dumpable %d subreaper %d personality %d\n", prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_CHILD_SUBREAPER, &death_signal), personality(0xffffffff));
	prctl(PR_GET_PDEATHSIG, &death_signal);
	printf("death signal %d securebits %d\n", death_signal, prctl(PR_GET_SECUREBITS));
	printf("children %d (%d)\n", waitpid(-1, NULL, WNOHANG | __WALL), errno == ECHILD);
	return 0;
}
