/*
 * operand_use.h - what a start is going to use of its operands, by what is remembered of how the program used
 * others. Pure.
 *
 * A file that is still the one that is remembered is used as it was. Of any other one, the file that is
 * remembered and most like it tells the manner: the file of the same name as it was before, else one of the
 * same place in the command line, else one whose name ends alike. If that was used whole (nine tenths of it),
 * or more than half of it here and there, the other is, too, up to OPERAND_MAX_GROWTH times the pages
 * and no less than OPERAND_MIN_PAGES: a file of a few pages does not tell whether the program reads all or
 * only the head. Else the same numbers of pages at its head and its end are. Of a file that was not read only
 * the name is looked up.
 */
#ifndef PBRUN_OPERAND_USE_H
#define PBRUN_OPERAND_USE_H

#include "operand_targets.h"
#include "sys/exclusions.h"

#define OPERAND_MAX_GROWTH 64
#define OPERAND_MIN_PAGES 256
/* So many remembered files are compared with each operand, and so many operands with them. */
#define OPERAND_MAX_EXAMPLES 256
#define OPERAND_MAX_FOLLOWERS 4096

/* Does the page set remember any page of an operand? If not, there is no use in resolving operands for a
 * prefetch. */
bool operand_use_is_known(const struct pageset *remembered);

/*
 * Fills ret_wanted, an empty page set, with files of which none is marked as an operand: those of remembered
 * that are marked and that targets name, and other files of targets in the manner of those, unless they are
 * excluded (NULL: none is). 0 or -ENOMEM; ret_wanted is the caller's to release in any case.
 */
must_check int operand_use_select(const struct operand_targets *targets, const struct pageset *remembered,
				  const struct exclusions *excluded, struct pageset *ret_wanted);

/* Does remembered have files of a directory that was named, and this start names none of those directories?
 * Then another training run tells the program's own files in there from the others. */
bool operand_use_has_other_directory(const struct operand_targets *targets, const struct pageset *remembered);

#endif
