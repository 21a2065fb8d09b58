/* agent_log.c - reads what the agent of a program writes, as far as it makes sense. */
#include "trace/agent_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int agent_log_create(struct agent_log *self, int *ret_fd)
{
	cleanup_close int fd = memfd_create("pbrun", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct agent_head *head;

	if (fd < 0 || ftruncate(fd, AGENT_LOG_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	head = mmap(NULL, AGENT_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (head == MAP_FAILED)
		return -errno;
	head->magic = AGENT_LOG_MAGIC;
	atomic_store(&head->n_bytes, sizeof(*head));
	*self = (struct agent_log){ .area = (unsigned char *)head,
				    .size = AGENT_LOG_BYTES,
				    .offset = sizeof(*head),
				    .copy = malloc(AGENT_LOG_MAX_DATA) };
	if (!self->copy) {
		agent_log_release(self);
		return -ENOMEM;
	}
	*ret_fd = take_fd(fd);
	return 0;
}

void agent_log_release(struct agent_log *self)
{
	if (self->area)
		munmap(self->area, self->size);
	free(self->copy);
	*self = (struct agent_log){ 0 };
}

void agent_log_confine(struct agent_log *self)
{
	if (self->area)
		atomic_store(&((struct agent_head *)(void *)self->area)->is_confined, 1);
}

/* So much of the area has been reserved. */
static size_t end_of(const struct agent_log *self)
{
	const struct agent_head *head = (const void *)self->area;
	uint64_t n_bytes = atomic_load(&head->n_bytes);

	return n_bytes < self->size ? (size_t)n_bytes : self->size;
}

bool agent_log_next(struct agent_log *self, enum agent_log_end end, struct agent_entry *ret_entry)
{
	while (self->area && end_of(self) >= self->offset + sizeof(struct agent_record)) {
		const struct agent_record *record = (const void *)(self->area + self->offset);
		uint32_t kind = atomic_load(&record->kind);
		uint32_t n_bytes = atomic_load(&record->n_bytes);

		if (n_bytes < sizeof(*record) || n_bytes % 8 != 0 || n_bytes > self->size - self->offset)
			return false;
		if (kind == AGENT_UNFINISHED && end == AGENT_LOG_GOES_ON)
			return false;
		uint32_t n_data = __atomic_load_n(&record->n_data, __ATOMIC_RELAXED);

		self->offset += n_bytes;
		if (kind == AGENT_UNFINISHED || kind > AGENT_PAGES || n_data > n_bytes - sizeof(*record) ||
		    n_data > AGENT_LOG_MAX_DATA)
			continue;
		memcpy(self->copy, record + 1, n_data);
		*ret_entry = (struct agent_entry){ (enum agent_kind)kind, record->pid, record->time_ns,
						   self->copy, n_data };
		return true;
	}
	return false;
}
