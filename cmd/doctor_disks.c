/* doctor_disks.c - on which disks and file systems do programs, data and recordings lie? */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "doctor.h"
#include "sys/cleanup.h"
#include "sys/resident.h"

static const char *storage_text(const struct disk *disk)
{
	if (disk->kind == MOUNT_MEMORY)
		return "memory";
	if (disk->kind == MOUNT_FAR)
		return "a network, or a program that serves it";
	switch (disk->storage) {
	case STORAGE_ROTATING:
		return "a rotating disk";
	case STORAGE_PACKED:
		return "a packed image (squashfs)";
	case STORAGE_SLOW:
		return "slow storage: a network or a memory card";
	default:
		return "solid state";
	}
}

static const char *storage_meaning(const struct disk *disk)
{
	if (disk->kind == MOUNT_MEMORY)
		return "Nothing of it has to be prefetched.";
	if (disk->kind == MOUNT_FAR)
		return "It may not answer, and then what is on it is left out for a while.";
	switch (disk->storage) {
	case STORAGE_ROTATING:
		return "Prefetch reads in the order of the disk, and gains most here.";
	case STORAGE_PACKED:
		return "Prefetch reads in the order in which it was packed: each block is unpacked once.";
	case STORAGE_SLOW:
		return "Prefetch makes few and long requests.";
	default:
		return "Prefetch reads in the order of use.";
	}
}

/* Can it be asked of a file there, without waiting, whether a page is in memory? */
static bool answers_residency(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 || resident_look(fd, 0) != RESIDENT_UNKNOWN;
}

struct place {
	const char *id;
	const char *path;
	const char *file; /* one that is there, to try; NULL: none */
};

/* A file system is told of once: by the first place on it. */
static bool is_told(const struct mounts *mounts, const struct place *places, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (mounts_find(mounts, places[j].path) == mounts_find(mounts, places[i].path))
			return true;
	return false;
}

static void check_place(struct doctor *doctor, const struct mounts *mounts, const struct place *place)
{
	struct finding finding = { .id = place->id };
	struct disk disk = disk_of(mounts, place->path);

	finding.meaning = storage_meaning(&disk);
	if (place->file && disk.kind == MOUNT_LOCAL && !answers_residency(place->file)) {
		finding.verdict = VERDICT_LIMITED;
		finding.meaning = "This file system does not tell what is in memory already: "
				  "a start with everything in memory may cost more.";
	}
	doctor_add(doctor, &finding, "%s is on %s, %s", place->path,
		   *disk.type ? disk.type : "an unknown file system", storage_text(&disk));
}

void doctor_check_disks(struct doctor *self)
{
	const char *home = getenv("HOME");
	const struct place places[] = {
		{ "disk", "/usr/bin/env", "/usr/bin/env" },
		{ "disk-root", "/", NULL },
		{ "disk-home", home && *home == '/' ? home : "/", NULL },
		{ "disk-opt", "/opt", NULL },
	};
	cleanup_with(mounts_release) struct mounts mounts = { 0 };

	if (mounts_read(&mounts) < 0)
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!is_told(&mounts, places, i))
			check_place(self, &mounts, &places[i]);
}
