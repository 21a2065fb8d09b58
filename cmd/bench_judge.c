/* bench_judge.c - what the measured times mean. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "sys/cleanup.h"

const char *const bench_way_titles[N_BENCH_WAYS] = {
	[BENCH_COLD] = "cold",
	[BENCH_PBRUN] = "cold, through pbrun",
	[BENCH_WARM] = "warm",
	[BENCH_WARM_PBRUN] = "warm, through pbrun",
};

/* A wait that nobody notices. */
#define UNNOTICED_S 0.002
/* So much of a warm start's time is hardly longer. */
#define HARDLY 0.1

static int compare_times(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return (*first > *second) - (*first < *second);
}

/* The value at a share of sorted times, between two of them if need be. */
static double quantile(const uint64_t *sorted_ns, size_t n, double share)
{
	double at = share * (double)(n - 1);
	size_t below = (size_t)at;
	size_t above = below + 1 < n ? below + 1 : below;
	double part = at - (double)below;

	return ((double)sorted_ns[below] * (1 - part) + (double)sorted_ns[above] * part) / 1e9;
}

static struct bench_figure figure_of(const uint64_t *times_ns, size_t n)
{
	uint64_t sorted_ns[BENCH_MAX_RUNS];

	if (n == 0)
		return (struct bench_figure){ 0 };
	memcpy(sorted_ns, times_ns, n * sizeof(*times_ns));
	qsort(sorted_ns, n, sizeof(*sorted_ns), compare_times);
	return (struct bench_figure){
		.median = quantile(sorted_ns, n, 0.5),
		.spread = (quantile(sorted_ns, n, 0.75) - quantile(sorted_ns, n, 0.25)) / 2,
	};
}

struct bench_result bench_judge(const struct bench *bench)
{
	struct bench_result result = { 0 };
	const struct bench_figure *ways = result.ways;

	for (int way = 0; way < N_BENCH_WAYS; way++)
		result.ways[way] = figure_of(bench->times_ns[way], bench->n_runs);

	double removable = ways[BENCH_COLD].median - ways[BENCH_WARM].median;
	double noise = ways[BENCH_COLD].spread + ways[BENCH_PBRUN].spread;

	result.saving = ways[BENCH_COLD].median - ways[BENCH_PBRUN].median;
	if (removable > UNNOTICED_S)
		result.share = result.saving / removable;
	if (noise < UNNOTICED_S)
		noise = UNNOTICED_S;
	if (result.saving < -noise)
		result.verdict = BENCH_LOSS;
	else if (result.saving > noise)
		result.verdict = BENCH_GAIN;
	else if (removable <= UNNOTICED_S || removable <= HARDLY * ways[BENCH_WARM].median)
		result.verdict = BENCH_NO_WAIT;
	else
		result.verdict = BENCH_NOTHING;
	return result;
}

char *bench_sentence(const struct bench_result *result)
{
	double cold_ms = result->ways[BENCH_COLD].median * 1e3;
	double pbrun_ms = result->ways[BENCH_PBRUN].median * 1e3;
	double saving_ms = result->saving * 1e3;
	char *text = NULL;
	int r = 0;

	switch (result->verdict) {
	case BENCH_GAIN:
		r = asprintf(&text,
			     "Through pbrun a cold start takes %.0f ms instead of %.0f ms: it saves %.0f ms, "
			     "%.0f %% of the wait for the disk.",
			     pbrun_ms, cold_ms, saving_ms, result->share > 1 ? 100 : 100 * result->share);
		break;
	case BENCH_LOSS:
		r = asprintf(&text,
			     "Through pbrun a cold start takes %.0f ms longer, %.0f ms instead of %.0f ms: "
			     "do not use it for this program here.",
			     -saving_ms, pbrun_ms, cold_ms);
		break;
	case BENCH_NO_WAIT:
		r = asprintf(&text,
			     "pbrun saves nothing here: a cold start, %.0f ms, takes hardly longer than a "
			     "warm one.",
			     cold_ms);
		break;
	default:
		r = asprintf(
			&text,
			"pbrun saves nothing here that could be told from chance: the difference of %.0f ms "
			"is within the spread.",
			fabs(saving_ms));
	}
	return r < 0 ? NULL : text;
}
