/* observer_operands.c - the prefetch of what the arguments of a start name, and its mark in what was seen */
#include <poll.h>

#include "observer_private.h"
#include "operand_use.h"
#include "prefetch/residency.h"
#include "sys/clock.h"
#include "sys/far_mounts.h"
#include "sys/survey.h"
#include "sys/threads.h"
#include "sys/traps.h"

enum {
	N_THREADS = 4,
	/* What an operand is, is of no use any more after so long. */
	RESOLVING_MAX_MS = 10000,
	PREFETCH_MAX_MS = 30000,
	/* What was seen is written without waiting longer for it. */
	MARKING_MAX_MS = 200,
	/* Of more operands the launcher looks at some. */
	MAX_SAMPLES = 16,
};

#define NS_PER_MS UINT64_C(1000000)

/* What is known of the operands. */
enum resolution { RESOLUTION_PENDING, RESOLUTION_KNOWN, RESOLUTION_FAILED };

enum prefetch_state {
	PREFETCH_WAITS, /* for the operands to be resolved */
	PREFETCH_PLANS,
	PREFETCH_REPLAYS,
	PREFETCH_DONE, /* nothing is to be read, or nobody wants it any more */
};

/* Made and used by its thread, which nobody waits for without a bound; it is never freed. */
struct operand_prefetch {
	_Atomic uint64_t program_started_ns; /* 0: not yet */
	pthread_mutex_t lock;                /* for what follows */
	pthread_cond_t resolved;
	enum resolution resolution;
	struct operand_targets targets; /* sorted; once known they stay as they are */
	enum prefetch_state state;
	const struct observer_options *options;
	struct pageset wanted;
	struct plan plan;
	struct readahead *replay;
};

/* One operand, looked at by a thread that may outlive all else. */
struct operand_item {
	const struct operands *operands;
	const struct operand *operand;
	struct far_mounts *far_mounts;
	struct operand_targets targets;
};

/* Not where to look something up mounts it, nor where it may never end. */
static enum operand_look how_to_look(struct far_mounts *far_mounts, const char *path)
{
	char tidy[PATH_MAX];
	const struct mount *mount;

	snprintf(tidy, sizeof(tidy), "%s", path);
	operands_tidy_path(tidy);
	mount = mounts_find(&far_mounts->mounts, tidy);
	if ((mount && mount->kind == MOUNT_TRAP) || !far_mounts_answer_beyond(far_mounts, tidy) ||
	    traps_on_way(&far_mounts->mounts, path))
		return OPERAND_LOOK_AT_NOTHING;
	return OPERAND_LOOK_AND_WAIT;
}

static void resolve_one(size_t i, void *context)
{
	struct operand_item *item = &((struct operand_item *)context)[i];
	char path[PATH_MAX];

	if (operands_path(item->operands, item->operand, path))
		(void)!operand_targets_add(&item->targets, path, item->operand->code,
					   how_to_look(item->far_mounts, path));
}

static int add_by_name(struct operand_targets *targets, const struct operands *operands,
		       const struct operand *operand)
{
	char path[PATH_MAX];

	return operands_path(operands, operand, path)
		       ? operand_targets_add(targets, path, operand->code, OPERAND_LOOK_AT_NOTHING)
		       : 0;
}

static int name_all(struct operand_targets *targets, const struct operands *operands)
{
	int r = 0;

	for (size_t i = 0; i < operands->n && r == 0; i++)
		r = add_by_name(targets, operands, &operands->items[i]);
	operand_targets_sort(targets);
	return r;
}

/* Of what does not answer, the name must do. What threads may still use stays. */
static int resolve(const struct operands *operands, struct operand_targets *targets)
{
	struct operand_item *items = calloc(operands->n, sizeof(*items));
	struct far_mounts *far_mounts = far_mounts_new();
	cleanup_free bool *is_answered = calloc(operands->n, sizeof(*is_answered));
	int r = items && far_mounts && is_answered ? 0 : -ENOMEM;
	bool is_complete = true;

	for (size_t i = 0; i < operands->n && r == 0; i++)
		items[i] = (struct operand_item){ operands, &operands->items[i], far_mounts, { 0 } };
	if (r == 0)
		is_complete = survey_run(operands->n, resolve_one, items,
					 clock_now_ns() + RESOLVING_MAX_MS * NS_PER_MS, is_answered);
	for (size_t i = 0; i < operands->n && r == 0; i++)
		r = is_answered[i] ? operand_targets_join(targets, &items[i].targets)
				   : add_by_name(targets, operands, &operands->items[i]);
	operand_targets_sort(targets);
	if (!is_complete)
		return r;
	for (size_t i = 0; i < operands->n && items; i++)
		operand_targets_release(&items[i].targets);
	far_mounts_free(far_mounts);
	free(items);
	return r;
}

static int select_wanted(const struct observer_options *options, const struct operand_targets *targets,
			 struct pageset *wanted)
{
	return operand_use_select(targets, &options->shadow->files, options->db->excluded, wanted);
}

/* True: there is something to be read. */
static bool make_plan(struct operand_prefetch *self, struct plan_options plan_options)
{
	int r = launch_build_plan(&self->wanted, self->options->program, plan_options, &self->plan);

	return r == 0 && (self->plan.n_files > 0 || self->plan.n_names > 0);
}

/* With the lock, since after a commit there is no shadow any more. True: something is wanted. */
static bool want_files(struct operand_prefetch *self, struct plan_options *ret_plan_options)
{
	const struct observer_options *options = self->options;

	self->state = PREFETCH_DONE;
	if (options->prefetch != OBSERVER_REPLAYS ||
	    select_wanted(options, &self->targets, &self->wanted) < 0 || self->wanted.n_files == 0)
		return false;
	*ret_plan_options = (struct plan_options){ .unanswered = launch_unanswered(options->shadow),
						   .budget_pages = launch_budget_pages(
							   &self->wanted,
							   pageset_count_own_pages(&options->shadow->files)),
						   .max_age = policy_max_age(options->shadow) };
	self->state = PREFETCH_PLANS;
	return true;
}

static void *work(void *context)
{
	struct operand_prefetch *self = context;
	struct operand_targets targets = { 0 };
	struct plan_options plan_options;
	bool is_wanted;
	int r = resolve(self->options->operands, &targets);

	pthread_mutex_lock(&self->lock);
	self->targets = targets;
	self->resolution = r == 0 ? RESOLUTION_KNOWN : RESOLUTION_FAILED;
	pthread_cond_broadcast(&self->resolved);
	is_wanted = r == 0 && self->state == PREFETCH_WAITS && want_files(self, &plan_options);
	if (!is_wanted)
		self->state = PREFETCH_DONE;
	pthread_mutex_unlock(&self->lock);
	if (!is_wanted)
		return NULL;

	bool has_plan = make_plan(self, plan_options);

	pthread_mutex_lock(&self->lock);
	if (has_plan && self->state == PREFETCH_PLANS)
		self->replay = readahead_start(&self->plan, N_THREADS, self->program_started_ns);
	self->state = self->replay ? PREFETCH_REPLAYS : PREFETCH_DONE;
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

static struct operand_prefetch *new_prefetch(const struct observer_options *options)
{
	struct operand_prefetch *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->options = options;
	pageset_init(&self->wanted);
	pthread_mutex_init(&self->lock, NULL);
	threads_init_condition(&self->resolved);
	return self;
}

void launch_start_operands(struct launch *self)
{
	const struct operands *operands = self->options->operands;
	struct operand_prefetch *prefetch = operands && operands->n > 0 ? new_prefetch(self->options) : NULL;

	if (!prefetch)
		return;
	if (threads_start_detached(work, prefetch) < 0)
		prefetch->resolution = RESOLUTION_FAILED;
	self->operands = prefetch;
}

void launch_note_operands_start(struct launch *self)
{
	struct operand_prefetch *prefetch = self->operands;

	if (!prefetch)
		return;
	prefetch->program_started_ns = clock_now_ns();
	/* The program waits: not for who plans for a thousand operands. He sees it when he begins; to miss it
	 * by a moment does no harm. */
	if (pthread_mutex_trylock(&prefetch->lock) != 0)
		return;
	if (prefetch->replay)
		readahead_note_start(prefetch->replay);
	pthread_mutex_unlock(&prefetch->lock);
}

static bool is_over(struct operand_prefetch *self)
{
	pthread_mutex_lock(&self->lock);
	bool is_over = self->state == PREFETCH_REPLAYS
			       ? readahead_wait_done(self->replay, 0)
			       : self->state == PREFETCH_DONE || self->resolution == RESOLUTION_FAILED;

	pthread_mutex_unlock(&self->lock);
	return is_over;
}

void launch_prefetch_operands_ahead(struct launch *self, uint64_t until_ns)
{
	while (self->operands && !is_over(self->operands) && clock_now_ns() < until_ns)
		(void)poll(NULL, 0, 1);
	launch_account_operands(self);
}

void launch_account_operands(struct launch *self)
{
	struct operand_prefetch *prefetch = self->operands;

	if (!prefetch)
		return;
	pthread_mutex_lock(&prefetch->lock);
	if (prefetch->replay)
		readahead_account(prefetch->replay, &self->account.operands);
	else
		prefetch->state = PREFETCH_DONE;
	pthread_mutex_unlock(&prefetch->lock);
	launch_sum_prefetch(self);
}

struct plan_use launch_compare_operands(struct launch *self, enum plan_sight sight)
{
	struct plan_use use = { 0 };

	if (self->operands && self->account.operands.bytes > 0)
		use = plan_compare(&self->operands->plan, &self->recorder.record.seen, sight);
	return use;
}

void launch_finish_operands(struct launch *self)
{
	struct operand_prefetch *prefetch = self->operands;
	uint64_t until_ns = clock_now_ns() + PREFETCH_MAX_MS * NS_PER_MS;

	/* It is for the program: without it, there is no more use in it. */
	while (prefetch && !is_over(prefetch) && !launch_program_has_ended(self) && clock_now_ns() < until_ns)
		(void)poll(NULL, 0, LAUNCH_LOOK_MS);
	launch_account_operands(self);
	if (!prefetch || !prefetch->replay)
		return;
	readahead_finish(prefetch->replay, &self->account.operands, &self->unanswered);
	prefetch->replay = NULL;
	prefetch->state = PREFETCH_DONE;
	launch_sum_prefetch(self);
}

static bool await_targets(struct operand_prefetch *self)
{
	uint64_t until_ns = clock_now_ns() + MARKING_MAX_MS * NS_PER_MS;

	pthread_mutex_lock(&self->lock);
	while (self->resolution == RESOLUTION_PENDING && threads_wait(&self->resolved, &self->lock, until_ns))
		;
	if (self->state == PREFETCH_WAITS)
		self->state = PREFETCH_DONE;
	bool are_known = self->resolution == RESOLUTION_KNOWN;

	pthread_mutex_unlock(&self->lock);
	return are_known;
}

int launch_mark_operands(struct launch *self, struct pageset *seen)
{
	cleanup_with(operand_targets_release) struct operand_targets named = { 0 };
	int r;

	if (!self->options->operands)
		return 0;
	if (self->operands && await_targets(self->operands)) {
		operand_targets_mark(&self->operands->targets, self->options->program, seen);
		return 0;
	}
	r = name_all(&named, self->options->operands);
	if (r == 0)
		operand_targets_mark(&named, self->options->program, seen);
	return r;
}

bool launch_has_other_operands(const struct observer_options *options)
{
	cleanup_with(operand_targets_release) struct operand_targets named = { 0 };

	return options->operands && name_all(&named, options->operands) == 0 &&
	       operand_use_has_other_directory(&named, &options->shadow->files);
}

/* Finds what some of the operands are, without waiting. -EAGAIN: it cannot be told. */
static int resolve_samples(const struct operands *operands, struct operand_targets *targets)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < operands->n && r == 0; i += operands->n / MAX_SAMPLES + 1)
		if (operands_path(operands, &operands->items[i], path))
			r = operand_targets_add(targets, path, operands->items[i].code,
						OPERAND_LOOK_IN_MEMORY);
	operand_targets_sort(targets);
	return r;
}

bool launch_operands_are_resident(const struct observer_options *options)
{
	cleanup_with(operand_targets_release) struct operand_targets targets = { 0 };
	cleanup_with(pageset_release) struct pageset wanted = { 0 };
	const struct shadow *shadow = options->shadow;

	if (!options->operands || options->operands->n == 0 || !operand_use_is_known(&shadow->files))
		return true;
	return resolve_samples(options->operands, &targets) == 0 &&
	       select_wanted(options, &targets, &wanted) == 0 &&
	       residency_is_complete(&wanted, options->program, launch_unanswered(shadow), options->random);
}
