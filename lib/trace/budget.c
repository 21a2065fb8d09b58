/* budget.c - adds up what following costs, and compares it with how long the program has run. */
#include "trace/budget.h"

/* One part in so many of the whole is kept for those that are followed already. */
#define RESERVE_SHARE 8
/* The program's own process goes on as it is, unless it has spent one part in so many. */
#define OWN_SHARE 4

void budget_note_stop(struct budget *self, unsigned int stop)
{
	self->n_stops++;
	self->n_own_stops += (stop & BUDGET_STOP_OWN) != 0;
	self->n_dry_stops += (stop & BUDGET_STOP_DRY) != 0;
}

void budget_note_mapping(struct budget *self)
{
	self->n_mappings++;
}

void budget_update(struct budget *self, uint64_t tracer_cpu_ns, uint64_t program_ns)
{
	self->cost_ns = tracer_cpu_ns + self->n_stops * BUDGET_SWITCH_NS;
	self->program_ns = program_ns;
}

/* What comes on top of beginning_ns as the program runs. */
static uint64_t allowance_ns(const struct budget *self, uint64_t beginning_ns)
{
	uint64_t run_ns = self->program_ns > self->known_ns ? self->program_ns : self->known_ns;
	uint64_t ns = beginning_ns + run_ns / 100 * BUDGET_PERCENT;

	return ns < BUDGET_MAX_NS ? ns : BUDGET_MAX_NS;
}

static uint64_t whole_ns(const struct budget *self)
{
	return allowance_ns(self, BUDGET_BEGINNING_NS + self->n_mappings * BUDGET_MAPPING_NS);
}

static uint64_t part_ns(const struct budget *self, uint64_t n_stops)
{
	return self->n_stops == 0 ? 0 : self->cost_ns / self->n_stops * n_stops;
}

bool budget_is_spent(const struct budget *self)
{
	return self->cost_ns > whole_ns(self);
}

bool budget_own_is_spent(const struct budget *self)
{
	return budget_is_spent(self) && part_ns(self, self->n_own_stops) > self->cost_ns / OWN_SHARE;
}

bool budget_dry_is_spent(const struct budget *self)
{
	return part_ns(self, self->n_dry_stops) > allowance_ns(self, BUDGET_DRY_NS);
}

bool budget_affords_another(const struct budget *self)
{
	uint64_t ns = whole_ns(self);

	return self->cost_ns <= ns - ns / RESERVE_SHARE;
}
