/*
 * budget.h - what following may cost the program, and what it has cost so far. Pure: fed with stops and
 * clocks.
 *
 * A program that is trained is to take at most 2.5 times as long as alone, and at most 2 s longer. How long
 * it takes alone is not known before it has ended. So at each moment the cost so far is compared with the
 * program's own time so far. Programs are slowed down most as they begin, when they map what they need later:
 * each mapping is some credit.
 *
 * The cost is that of the stops: the CPU time of the tracer, and BUDGET_SWITCH_NS a stop for the change to it
 * and back. Clocks of the CPU say the same on a busy machine, and while a program waits for a disk. The
 * program becomes slower by 1.35 times that: it has more page faults (uffd.h), and fewer CPUs
 * (docs/performance.md).
 */
#ifndef PBRUN_BUDGET_H
#define PBRUN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SWITCH_NS 2000u
/* However long the program runs: 2 s more, but for the factor above, and for what it takes to go on with
 * less. */
#define BUDGET_MAX_NS (UINT64_C(1100) * 1000 * 1000)
/* Before the program has run for any time. */
#define BUDGET_BEGINNING_NS (UINT64_C(15) * 1000 * 1000)
/* For each mapping of a file, of which a library has four. */
#define BUDGET_MAPPING_NS (UINT64_C(80) * 1000)
/* For dry stops: those of tasks that for many stops have not opened, read or mapped a file. */
#define BUDGET_DRY_NS (UINT64_C(5) * 1000 * 1000)
/* Share of the program's own time, in percent. */
#define BUDGET_PERCENT 110u

/* What is known of a stop; the bits add up. */
enum budget_stop {
	BUDGET_STOP_OWN = 1 << 0, /* of the program's own process, none of its children */
	BUDGET_STOP_DRY = 1 << 1,
};

struct budget {
	uint64_t known_ns; /* set by the caller: as long as this the program runs, earlier starts say; 0: not
			      known */
	uint64_t n_stops;
	uint64_t n_own_stops;
	uint64_t n_dry_stops;
	uint64_t n_mappings;
	/* At the last budget_update(). */
	uint64_t program_ns;
	uint64_t cost_ns;
};

/* stop: BUDGET_STOP_ bits. */
void budget_note_stop(struct budget *self, unsigned int stop);
void budget_note_mapping(struct budget *self);

/* tracer_cpu_ns: CPU time of the tracer since the program's exec; program_ns: how long the program has run,
 * without what following it took. Both only grow. */
void budget_update(struct budget *self, uint64_t tracer_cpu_ns, uint64_t program_ns);

/* Is all spent? */
bool budget_is_spent(const struct budget *self);
/* And so much of it by the program's own process that it would not do to leave its children alone? */
bool budget_own_is_spent(const struct budget *self);
/* Is spent what dry stops may cost? */
bool budget_dry_is_spent(const struct budget *self);
/* Is there enough left to follow another program to its end, that the program has started? */
bool budget_affords_another(const struct budget *self);

#endif
