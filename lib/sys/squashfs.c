/* squashfs.c - reads the tables of a squashfs image as far as is needed to find a file's data. */
#include "sys/squashfs.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum {
	MAGIC = 0x73717368,
	METADATA_BYTES = 8192,       /* of a metadata block, unpacked */
	IS_PLAIN_METADATA = 1 << 15, /* in its two bytes of header */
	IS_PLAIN_BLOCK = 1 << 24,
	BASIC_FILE = 2,
	LONG_FILE = 9,
	MIN_BLOCK_LOG = 12,
	MAX_BLOCK_LOG = 20,
};
/* By the number of the compressor; 2 is lzma, which no kernel reads. */
static const struct {
	bool is_known;
	enum unpack_kind kind;
} compressors[] = {
	[1] = { true, UNPACK_ZLIB }, [3] = { true, UNPACK_LZO },  [4] = { true, UNPACK_XZ },
	[5] = { true, UNPACK_LZ4 },  [6] = { true, UNPACK_ZSTD },
};
#define NO_FRAGMENT UINT32_MAX
#define NO_TABLE UINT64_MAX

struct superblock {
	uint32_t magic, n_inodes, mtime, block_bytes, n_fragments;
	uint16_t compressor, block_log, flags, n_ids, major, minor;
	uint64_t root, bytes_used, id_table, xattr_table, inode_table, directory_table, fragment_table;
	uint64_t inode_index;
};

/* Bytes that follow one another in the unpacked metadata. */
struct stream {
	const struct squashfs *image;
	uint64_t next_block; /* where in the image */
	uint8_t data[METADATA_BYTES];
	size_t size;
	size_t at;
};

int squashfs_open(struct squashfs *self,
		  int (*read)(void *data, size_t size, uint64_t offset_bytes, void *context), void *context)
{
	struct superblock super;
	int r = read(&super, sizeof(super), 0, context);

	if (r < 0)
		return r;
	if (le32toh(super.magic) != MAGIC || le16toh(super.major) != 4)
		return -EBADMSG;
	struct squashfs image = { .read = read,
				  .context = context,
				  .n_inodes = le32toh(super.n_inodes),
				  .n_fragments = le32toh(super.n_fragments),
				  .block_bytes = le32toh(super.block_bytes),
				  .inode_table = le64toh(super.inode_table),
				  .fragment_table = le64toh(super.fragment_table),
				  .inode_index = le64toh(super.inode_index),
				  .end = le64toh(super.bytes_used) };
	unsigned int block_log = le16toh(super.block_log);

	if (block_log < MIN_BLOCK_LOG || block_log > MAX_BLOCK_LOG || image.block_bytes != 1u << block_log ||
	    image.end > INT64_MAX || image.inode_table >= image.end)
		return -EBADMSG;
	unsigned int compressor = le16toh(super.compressor);

	if (compressor >= sizeof(compressors) / sizeof(compressors[0]) || !compressors[compressor].is_known ||
	    image.inode_index == NO_TABLE)
		return -EOPNOTSUPP;
	r = unpacker_init(&image.unpacker, compressors[compressor].kind);
	if (r == 0)
		*self = image;
	return r;
}

void squashfs_close(struct squashfs *self)
{
	unpacker_release(&self->unpacker);
}

static int read_at(const struct squashfs *self, void *data, size_t size, uint64_t offset)
{
	if (offset > self->end || size > self->end - offset)
		return -EBADMSG;
	return self->read(data, size, offset, self->context);
}

/* Unpacks the next metadata block. */
static int fill(struct stream *stream)
{
	uint8_t packed[METADATA_BYTES];
	uint16_t header;
	int r = read_at(stream->image, &header, sizeof(header), stream->next_block);

	if (r < 0)
		return r;
	size_t size = le16toh(header) & (IS_PLAIN_METADATA - 1);

	if (size == 0 || size > sizeof(packed))
		return -EBADMSG;
	r = read_at(stream->image, packed, size, stream->next_block + sizeof(header));
	if (r < 0)
		return r;
	stream->size = size;
	if (le16toh(header) & IS_PLAIN_METADATA)
		memcpy(stream->data, packed, size);
	else
		r = unpacker_run(&stream->image->unpacker, packed, size, stream->data, sizeof(stream->data),
				 &stream->size);
	stream->next_block += sizeof(header) + size;
	stream->at = 0;
	return r;
}

/* Begins offset bytes behind the beginning of a metadata block. */
static int stream_begin(struct stream *stream, const struct squashfs *image, uint64_t block, size_t offset)
{
	stream->image = image;
	stream->next_block = block;
	int r = fill(stream);

	if (r < 0)
		return r;
	stream->at = offset;
	return offset < stream->size ? 0 : -EBADMSG;
}

static int take(struct stream *stream, void *data, size_t size)
{
	uint8_t *to = data;

	while (size > 0) {
		bool is_at_end = stream->at == stream->size;

		/* All but the last are full, so a list of blocks takes no more reads than it has to. */
		if (is_at_end && stream->size < METADATA_BYTES)
			return -EBADMSG;
		int r = is_at_end ? fill(stream) : 0;

		if (r < 0)
			return r;
		size_t n = stream->size - stream->at < size ? stream->size - stream->at : size;

		memcpy(to, stream->data + stream->at, n);
		stream->at += n;
		to += n;
		size -= n;
	}
	return 0;
}

static int take_u32(struct stream *stream, uint32_t *ret_value)
{
	int r = take(stream, ret_value, sizeof(*ret_value));

	*ret_value = le32toh(*ret_value);
	return r;
}

/* An entry of a table: its metadata blocks are found by a list of their places. */
static int read_entry(const struct squashfs *self, uint64_t table, uint64_t index, void *data, size_t size)
{
	struct stream stream;
	uint64_t place;
	uint64_t offset = index * size;
	int r = read_at(self, &place, sizeof(place), table + offset / METADATA_BYTES * sizeof(place));

	if (r != 0)
		return r;
	r = stream_begin(&stream, self, le64toh(place), offset % METADATA_BYTES);
	return r < 0 ? r : take(&stream, data, size);
}

/* What an inode says of a file, of either kind. */
struct inode {
	uint64_t start;
	uint64_t size;
	uint32_t fragment;
};

static int take_inode(struct stream *stream, struct inode *ret_inode)
{
	struct {
		uint16_t type, mode, user, group;
		uint32_t mtime, number;
	} head;
	struct {
		uint32_t start, fragment, offset, size;
	} basic = { 0 };
	struct {
		uint64_t start, size, sparse;
		uint32_t n_links, fragment, offset, xattr;
	} extended = { 0 };
	int r = take(stream, &head, sizeof(head));

	if (r < 0)
		return r;
	switch (le16toh(head.type)) {
	case BASIC_FILE:
		r = take(stream, &basic, sizeof(basic));
		*ret_inode =
			(struct inode){ le32toh(basic.start), le32toh(basic.size), le32toh(basic.fragment) };
		return r;
	case LONG_FILE:
		r = take(stream, &extended, sizeof(extended));
		*ret_inode = (struct inode){ le64toh(extended.start), le64toh(extended.size),
					     le32toh(extended.fragment) };
		return r;
	default:
		return -ENOENT;
	}
}

static int find_fragment(const struct squashfs *self, uint32_t index, struct squashfs_range *ret_range)
{
	struct {
		uint64_t start;
		uint32_t size, unused;
	} entry;

	if (index >= self->n_fragments)
		return -EBADMSG;
	int r = read_entry(self, self->fragment_table, index, &entry, sizeof(entry));

	if (r == 0)
		*ret_range = (struct squashfs_range){ le64toh(entry.start),
						      le32toh(entry.size) & (IS_PLAIN_BLOCK - 1) };
	return r;
}

static bool is_inside(const struct squashfs *self, const struct squashfs_range *range)
{
	return range->offset_bytes <= self->end && range->size_bytes <= self->end - range->offset_bytes;
}

static int take_blocks(const struct squashfs *self, struct stream *stream, const struct inode *inode,
		       struct squashfs_file *file)
{
	bool has_fragment = inode->fragment != NO_FRAGMENT;
	uint64_t n = inode->size / self->block_bytes;
	uint64_t offset = inode->start;
	int r = 0;

	n += !has_fragment && inode->size % self->block_bytes;
	if (n > SQUASHFS_MAX_BLOCKS)
		return -EBADMSG;
	file->blocks = calloc(n + 1, sizeof(*file->blocks));
	if (!file->blocks)
		return -ENOMEM;
	for (; file->n_blocks < n && r == 0; file->n_blocks++) {
		uint32_t size = 0;

		r = take_u32(stream, &size);
		size &= IS_PLAIN_BLOCK - 1;
		file->blocks[file->n_blocks] = (struct squashfs_range){ offset, size };
		if (r == 0 && !is_inside(self, &file->blocks[file->n_blocks]))
			return -EBADMSG;
		offset += size;
	}
	if (r == 0 && has_fragment && inode->size % self->block_bytes) {
		r = find_fragment(self, inode->fragment, &file->blocks[file->n_blocks]);
		if (r == 0 && !is_inside(self, &file->blocks[file->n_blocks]))
			return -EBADMSG;
		file->n_blocks++;
	}
	return r;
}

int squashfs_find(const struct squashfs *self, uint64_t number, struct squashfs_file *ret_file)
{
	struct squashfs_file file = { .block_bytes = self->block_bytes };
	struct stream stream;
	struct inode inode = { 0 };
	uint64_t place = 0;

	if (number == 0 || number > self->n_inodes)
		return -ENOENT;
	int r = read_entry(self, self->inode_index, number - 1, &place, sizeof(place));

	if (r < 0)
		return r;
	uint64_t block = self->inode_table + (le64toh(place) >> 16);

	r = stream_begin(&stream, self, block, le64toh(place) & UINT16_MAX);
	if (r == 0)
		r = take_inode(&stream, &inode);
	if (r == 0)
		r = take_blocks(self, &stream, &inode, &file);
	if (r < 0) {
		free(file.blocks);
		return r;
	}
	file.size_bytes = inode.size;
	file.inode = (struct squashfs_range){ block, stream.next_block - block };
	*ret_file = file;
	return 0;
}

struct squashfs_range squashfs_metadata(const struct squashfs *self)
{
	return (struct squashfs_range){ self->inode_table, self->end - self->inode_table };
}
