/* descriptors.c - an array of what is known by descriptor number. */
#include "trace/descriptors.h"

#include <string.h>

static bool is_remembered(int64_t fd)
{
	return fd >= 0 && fd < DESCRIPTORS_N;
}

struct descriptor descriptors_get(const struct descriptors *self, int64_t fd)
{
	return is_remembered(fd) ? self->known[fd] : (struct descriptor){ .kind = DESCRIPTOR_UNKNOWN };
}

void descriptors_set(struct descriptors *self, int64_t fd, struct descriptor descriptor)
{
	if (is_remembered(fd) && !self->is_given_up)
		self->known[fd] = descriptor;
}

void descriptors_forget(struct descriptors *self, int64_t fd)
{
	descriptors_set(self, fd, (struct descriptor){ .kind = DESCRIPTOR_UNKNOWN });
}

void descriptors_forget_all(struct descriptors *self)
{
	memset(self->known, 0, sizeof(self->known));
}

void descriptors_give_up(struct descriptors *self)
{
	descriptors_forget_all(self);
	self->is_given_up = true;
}

void descriptors_start_anew(struct descriptors *self)
{
	descriptors_forget_all(self);
	self->is_given_up = false;
}
