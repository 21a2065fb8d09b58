/* recorder.c - hands each event of follow to record. */
#include "recorder.h"

static int take(const struct event *event, void *context)
{
	return record_take(context, event);
}

int recorder_attach(struct recorder *self, pid_t pid, const struct follow_options *options)
{
	struct follow_options joined = *options;

	joined.emit = take;
	joined.context = &self->record;
	record_init(&self->record, NULL);
	return follow_attach(&self->follow, pid, &joined);
}

int recorder_run(struct recorder *self)
{
	return follow_run(&self->follow);
}

void recorder_release(struct recorder *self)
{
	follow_release(&self->follow);
	record_release(&self->record);
}
