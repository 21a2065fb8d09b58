/* cmd_benchmark.c - --benchmark: what pbrun does for a program on this machine. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "bench.h"
#include "command.h"
#include "output.h"
#include "page_cache.h"
#include "picture.h"
#include "scratch.h"
#include "shadowdb.h"
#include "sys/analyzer.h"
#include "sys/clock.h"
#include "sys/page.h"
#include "target.h"
#include "terminal.h"

/* Copies of paths are kept in an array. */
ANALYZER_IGNORES("-Wanalyzer-malloc-leak")

#define DEFAULT_RUNS 5
/* Before each start, so that what the one before left behind is over. */
#define PAUSE_MS 100
#define EXIT_INTERRUPTED 130

static volatile sig_atomic_t is_interrupted;

/* What is needed to start the program in one way or another. */
struct stand {
	struct bench *bench;
	char *scratch;  /* a directory of its own */
	char *pbrun;    /* a copy: what this process has mapped cannot be evicted */
	char *shadows;  /* the directory of the recordings */
	char **through; /* the command, through pbrun; begins with fixed words */
	struct shadow shadow;
	struct shadowdb db;
};

static void interrupt(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

static void progress(size_t run, size_t n_runs, const char *what)
{
	cleanup_free char *line = NULL;
	int r = n_runs > 0 ? asprintf(&line, "pbrun: start %zu of %zu: %s", run, n_runs, what)
			   : asprintf(&line, "pbrun: %s", what);

	if (r < 0)
		line = NULL;
	else
		terminal_progress(line);
}

/* Runs a command with nothing to read and nowhere to write to. 0 and the time it took, or -errno; -EINTR:
 * interrupted. */
static int run(struct stand *stand, char *const argv[], uint64_t *ret_ns)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	posix_spawn_file_actions_t actions;
	int status = 0;
	pid_t pid;

	nanosleep(&pause, NULL);
	if (is_interrupted)
		return -EINTR;
	if (!argv || posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	int r = 0;

	for (int fd = STDIN_FILENO; r == 0 && fd <= STDERR_FILENO; fd++)
		r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	uint64_t start_ns = clock_now_ns();

	if (r == 0)
		r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_ns = clock_now_ns() - start_ns;
	if (status)
		stand->bench->status = status;
	return is_interrupted ? -EINTR : 0;
}

static void evict(struct stand *stand)
{
	char name[NAME_MAX + 1];
	cleanup_free char *path = NULL;

	page_cache_evict(&stand->shadow.files);
	page_cache_evict_file(stand->pbrun);
	shadowdb_name(stand->shadow.program, stand->shadow.profile, name);
	if (asprintf(&path, "%s/%s", stand->shadows, name) >= 0)
		page_cache_evict_file(path);
	else
		path = NULL;
	stand->bench->evicts_names = page_cache_evict_names(stand->shadow.program);
}

static int measure(struct stand *stand, enum bench_way way, size_t i)
{
	bool is_cold = way == BENCH_COLD || way == BENCH_PBRUN;
	bool is_through = way == BENCH_PBRUN || way == BENCH_WARM_PBRUN;

	progress(i + 1, stand->bench->n_runs, bench_way_titles[way]);
	if (is_cold)
		evict(stand);
	return run(stand, is_through ? stand->through : (char **)(uintptr_t)stand->bench->command,
		   &stand->bench->times_ns[way][i]);
}

/* Interleaved, so that what changes meanwhile meets every way; and none always comes first. */
static int measure_all(struct stand *stand)
{
	static const enum bench_way orders[2][N_BENCH_WAYS] = {
		{ BENCH_COLD, BENCH_PBRUN, BENCH_WARM, BENCH_WARM_PBRUN },
		{ BENCH_PBRUN, BENCH_COLD, BENCH_WARM_PBRUN, BENCH_WARM },
	};

	for (size_t i = 0; i < stand->bench->n_runs; i++) {
		for (int j = 0; j < N_BENCH_WAYS; j++) {
			int r = measure(stand, orders[i % 2][j], i);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The largest first. */
static int note_stayed(struct bench *bench, const char *path, uint64_t bytes)
{
	size_t at = bench->n_stayed;

	while (at > 0 && bench->stayed[at - 1].bytes < bytes)
		at--;
	if (at == BENCH_MAX_STAYED)
		return 0;
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	if (bench->n_stayed == BENCH_MAX_STAYED)
		free(bench->stayed[--bench->n_stayed].path);
	memmove(&bench->stayed[at + 1], &bench->stayed[at],
		(bench->n_stayed - at) * sizeof(bench->stayed[0]));
	bench->stayed[at] = (struct bench_stayed){ .path = copy, .bytes = bytes };
	bench->n_stayed++;
	return 0;
}

static int count_stayed(struct stand *stand)
{
	struct bench *bench = stand->bench;
	const struct pageset *files = &stand->shadow.files;

	evict(stand);
	bench->needed_bytes = pageset_count_pages(files) * page_bytes();
	for (size_t i = 0; i < files->n_files; i++) {
		uint64_t bytes = page_cache_count(files->files[i]) * page_bytes();

		bench->n_files += files->files[i]->n_extents > 0;
		bench->stayed_bytes += bytes;
		if (bytes > 0 && note_stayed(bench, files->files[i]->path, bytes) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The first start that prefetches finds memory as all before left it, and takes longer. Those that are
 * measured find what it leaves. */
static int prefetch_once(struct stand *stand)
{
	uint64_t ns;

	evict(stand);
	return run(stand, stand->through, &ns);
}

/* Loads the only recording that the starts can have left. */
static int load_entry(const struct shadowdb_entry *entry, void *context)
{
	struct stand *stand = context;

	if (entry->error || strcmp(entry->head->program, stand->bench->program) != 0)
		return 0;
	int r = shadowdb_load(&stand->db, entry->head->program, entry->head->profile, &stand->shadow, NULL);

	return r < 0 ? r : 1;
}

/* A plain start makes what a first start makes; then one in training, and one that prefetches. */
static int train(struct stand *stand)
{
	uint64_t ns;

	progress(0, 0, "a start without pbrun, then two through it, to record what is needed");
	int r = run(stand, (char **)(uintptr_t)stand->bench->command, &ns);

	for (int i = 0; r == 0 && i < 2; i++)
		r = run(stand, stand->through, &ns);
	if (r == 0)
		r = shadowdb_open(&stand->db, stand->shadows, NULL);
	if (r < 0)
		return r;
	r = shadowdb_list(&stand->db, load_entry, stand);
	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

static int set_up(struct stand *stand, size_t n_words)
{
	static const char *const words[] = { NULL, "--dir", NULL, "--record", "auto", "--" };
	const size_t n_fixed = sizeof(words) / sizeof(*words);

	stand->scratch = scratch_new("benchmark");
	if (!stand->scratch)
		return -errno;
	if (asprintf(&stand->pbrun, "%s/pbrun", stand->scratch) < 0)
		stand->pbrun = NULL;
	if (asprintf(&stand->shadows, "%s/shadows", stand->scratch) < 0)
		stand->shadows = NULL;
	if (!stand->pbrun || !stand->shadows)
		return -ENOMEM;
	stand->through = calloc(n_fixed + n_words + 1, sizeof(*stand->through));
	if (!stand->through)
		return -ENOMEM;
	for (size_t i = 0; i < n_fixed; i++)
		stand->through[i] = (char *)(uintptr_t)words[i];
	stand->through[0] = stand->pbrun;
	stand->through[2] = stand->shadows;
	memcpy(stand->through + n_fixed, stand->bench->command, n_words * sizeof(*stand->through));
	return scratch_copy("/proc/self/exe", stand->pbrun);
}

static void take_down(struct stand *stand)
{
	terminal_progress("");
	shadow_release(&stand->shadow);
	shadowdb_release(&stand->db);
	scratch_free(stand->scratch);
	free(stand->pbrun);
	free(stand->shadows);
	free(stand->through);
	for (size_t i = 0; i < stand->bench->n_stayed; i++)
		free(stand->bench->stayed[i].path);
}

static int explain(const struct stand *stand, int r)
{
	if (r == -EINTR) {
		fputs("pbrun: benchmark: interrupted\n", stderr);
		return EXIT_INTERRUPTED;
	}
	if (!stand->scratch)
		return complain_error("benchmark", scratch_base(), r);
	if (r == -ENOENT)
		return complain("benchmark", stand->bench->program,
				"nothing could be recorded; pbrun --doctor may know why");
	return complain_error("benchmark", stand->bench->program, r);
}

static int tell(const struct bench *bench, const struct arguments *arguments)
{
	const char *picture = arguments_value(arguments, OPTION_SVG);
	struct terminal terminal = terminal_look();
	struct warnings warnings = { 0 };
	int status = 0;

	if (picture) {
		cleanup_with(picture_release) struct picture file = { 0 };

		if (picture_open(&file, "benchmark", picture) == 0)
			bench_draw(bench, file.stream);
		status = picture_close(&file);
	}
	if (arguments_has(arguments, OPTION_JSON))
		bench_print_json(bench, stdout);
	else if (bench_print(bench, &terminal) < 0)
		status = complain_error("benchmark", NULL, -ENOMEM);
	if (bench->status)
		warnings_add(&warnings, "%s: some starts ended with %s %d (are its arguments right?)",
			     bench->program, WIFSIGNALED(bench->status) ? "signal" : "exit status",
			     WIFSIGNALED(bench->status) ? WTERMSIG(bench->status)
							: WEXITSTATUS(bench->status));
	warnings_finish(&warnings);
	return status | finish_output("benchmark");
}

static size_t parse_runs(const char *text)
{
	char *end = NULL;
	unsigned long runs = text ? strtoul(text, &end, 10) : DEFAULT_RUNS;

	if (text && (end == text || *end || runs < 1 || runs > BENCH_MAX_RUNS || *text == '-'))
		wrong_use("--runs '%s' is no number from 1 to %d", text, BENCH_MAX_RUNS);
	return runs;
}

int cmd_benchmark(const struct arguments *arguments)
{
	const struct sigaction action = { .sa_handler = interrupt };
	const char *picture = arguments_value(arguments, OPTION_SVG);
	cleanup_free struct bench *bench = calloc(1, sizeof(*bench));
	cleanup_free char *program = NULL;
	cleanup_free char *file = NULL;
	struct stand stand = { .bench = bench, .db = { .dir_fd = -1 } };
	int status;

	if (!bench)
		return complain_error("benchmark", NULL, -ENOMEM);
	bench->n_runs = parse_runs(arguments_value(arguments, OPTION_RUNS));
	int r = target_find(arguments->operands[0], &file, &program);

	if (r < 0)
		return complain_program("benchmark", arguments->operands[0], r);
	/* Where the name leads to pbrun, in the start without pbrun it must not. */
	if (r > 0)
		arguments->operands[0] = file;
	if (picture && picture_check("benchmark", picture) != 0)
		return 1;
	bench->command = arguments->operands;
	bench->program = program;
	bench->n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	(void)getloadavg(&bench->load, 1);
	unsetenv("PBRUN_DISABLE");
	unsetenv("PBRUN_RECORD");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r = set_up(&stand, arguments->n_operands);
	if (r == 0)
		r = train(&stand);
	if (r == 0)
		r = count_stayed(&stand);
	if (r == 0)
		r = prefetch_once(&stand);
	if (r == 0)
		r = measure_all(&stand);
	terminal_progress("");
	status = r < 0 ? explain(&stand, r) : tell(bench, arguments);
	take_down(&stand);
	return status;
}
