/*
 * loaded.h - is a program in memory already, since it ran a while ago?
 *
 * Asked of one of which nothing is remembered, before its exec: what is warm has nothing to gain by a
 * prediction (predict.h), and a small program would be delayed by it.
 */
#ifndef PBRUN_LOADED_H
#define PBRUN_LOADED_H

#include <stdbool.h>

/*
 * Of the ELF file at path: are its first page, and the first and last of each segment that is relocated or
 * written to, in memory? No start does without these. Of a script, the same of its interpreter, as "#!" names
 * it. To be asked before anybody reads the file, which may bring all of a small one. By calls that do not
 * wait (cached.h, resident.h); what they cannot tell, or is neither, is not.
 */
bool loaded_is_resident(const char *path);

#endif
