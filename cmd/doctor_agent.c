/* doctor_agent.c - whether libpbrun-agent.so is found, may be loaded, and tells what it should. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent.h"
#include "doctor.h"
#include "settings.h"
#include "shadowdb.h"
#include "sys/lookup.h"
#include "trace/agent_fit.h"
#include "trace/agent_log.h"

/* Is there everywhere, and uses the common C library. */
#define TRIAL_PROGRAM "true"

static bool is_switched_off(void)
{
	struct config config;
	struct warnings warnings = { 0 };
	cleanup_free char *own_path = NULL;

	config_init(&config);
	/* What cannot be read says nothing, here. */
	(void)!settings_own_path(&own_path);
	(void)!settings_read_system(&config, &warnings);
	if (own_path)
		(void)!settings_read_own(&config, own_path, &warnings);
	bool is_off = !config.uses_agent;

	warnings_finish(&warnings);
	config_release(&config);
	return is_off;
}

static bool is_ptrace_refused(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_findings; i++)
		if (strcmp(doctor->findings[i].id, "ptrace") == 0)
			return doctor->findings[i].verdict != VERDICT_OK;
	return false;
}

static void start_trial(const char *program, int agent_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int fd = 0; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
			(void)!dup2(null_fd, fd);
		cleanup_free char *path = NULL;

		/* The agent finds the descriptor after the exec(2), and closes it. */
		if (agent_find(&path) == 0)
			agent_load(dup(agent_fd), path);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Starts a program with the agent. 0: it was heard of; -ENOEXEC: it is for other programs than the common
 * ones; -ENODATA: nothing was heard; -errno. */
static int try_agent(void)
{
	__attribute__((cleanup(agent_log_release))) struct agent_log log = { 0 };
	cleanup_close int fd = -1;
	cleanup_free char *program = NULL;
	struct agent_entry entry;
	int r = lookup_program(TRIAL_PROGRAM, getenv("PATH"), &program);

	if (r == 0 && !agent_fits(program, "/proc/self/exe"))
		r = -ENOEXEC;
	if (r == 0)
		r = agent_log_create(&log, &fd);
	if (r < 0)
		return r;
	start_trial(program, fd);
	return agent_log_next(&log, AGENT_LOG_IS_OVER, &entry) ? 0 : -ENODATA;
}

/* Why it is of no use, and what to do. */
static const char *explain(int error, const char **ret_advice)
{
	switch (error) {
	case -ENOENT:
		*ret_advice = "Install it where it belongs, in lib/pbrun beside the bin of pbrun.";
		return "it is not there";
	case -EOPNOTSUPP:
		*ret_advice = "Unset LD_AUDIT, LD_DEBUG, LD_PROFILE; ulimit -v unlimited.";
		return "variables for the dynamic loader are set, or address space is limited";
	case -EILSEQ:
		*ret_advice = "Install pbrun in a directory without space, colon and dollar in its path.";
		return "LD_PRELOAD cannot name its directory";
	case -ENOEXEC:
		return "the programs here have another C library";
	case -ENODATA:
		*ret_advice = "It has to be of the same version as pbrun: install both again.";
		return "a program that was to load it told nothing";
	default:
		return shadowdb_explain(error);
	}
}

void doctor_check_agent(struct doctor *self)
{
	struct finding finding = { .id = "agent",
				   .meaning = "It tells what a program uses where ptrace is refused." };
	cleanup_free char *path = NULL;
	int r = is_switched_off() ? -ECANCELED : agent_find(&path);

	if (r == -ECANCELED) {
		finding.meaning = "Where ptrace is refused, programs are only looked at from outside.";
		doctor_add(self, &finding, "libpbrun-agent.so is switched off (agent = no)");
		return;
	}
	if (r == 0)
		r = try_agent();
	if (r == 0) {
		doctor_add(self, &finding, "%s works", path);
		return;
	}
	const char *why = explain(r, &finding.advice);

	finding.meaning =
		"Where ptrace is refused, programs are only looked at from outside, and of what they "
		"read less is recorded; ptrace works here.";
	if (is_ptrace_refused(self)) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "Programs are only looked at from outside, and of what they read less is "
				  "recorded.";
	}
	doctor_add(self, &finding, "%s is of no use: %s", path ? path : "libpbrun-agent.so", why);
}
