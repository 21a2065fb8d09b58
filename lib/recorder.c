/* recorder.c - hands each event of follow, or from outside, to record. */
#include "recorder.h"

static int take(const struct event *event, void *context)
{
	return record_take(context, event);
}

static struct follow_options join(struct recorder *self, const struct follow_options *options)
{
	struct follow_options joined = *options;

	joined.emit = take;
	joined.context = &self->record;
	return joined;
}

int recorder_attach(struct recorder *self, pid_t pid, const struct follow_options *options)
{
	struct follow_options joined = join(self, options);

	self->onlooker = (struct onlooker){ 0 };
	record_init(&self->record, NULL);
	return follow_attach(&self->follow, pid, &joined);
}

int recorder_run(struct recorder *self)
{
	return follow_run(&self->follow);
}

int recorder_prepare_to_look(struct recorder *self, pid_t pid, int pidfd,
			     const struct follow_options *options)
{
	struct follow_options joined = join(self, options);

	recorder_release(self);
	record_init(&self->record, NULL);
	return onlooker_init(&self->onlooker, pid, pidfd, &joined);
}

int recorder_offer_agent(struct recorder *self, int *ret_fd)
{
	return onlooker_offer_agent(&self->onlooker, ret_fd);
}

int recorder_look(struct recorder *self)
{
	int r = onlooker_run(&self->onlooker);

	self->follow.start_ns = self->onlooker.start_ns;
	if (self->onlooker.start_ns > 0)
		self->follow.phase = r == FOLLOW_ALL_GONE ? FOLLOW_MAIN_GONE : FOLLOW_RUNNING;
	return r;
}

void recorder_release(struct recorder *self)
{
	follow_release(&self->follow);
	onlooker_release(&self->onlooker);
	record_release(&self->record);
}
