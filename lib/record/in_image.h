/*
 * in_image.h - from pages of files in an image (sys/image.h) to the pages of the image that they are made of.
 */
#ifndef PBRUN_IN_IMAGE_H
#define PBRUN_IN_IMAGE_H

#include "pageset.h"

/*
 * Notes the image of a file of that name, as one of which it is not known yet what is used: not exact,
 * without a page. 0, also if it is no file in an image; -ENOMEM.
 */
must_check int in_image_note(struct pageset *seen, const char *name, uint32_t time_us);

/*
 * Puts pages of images in place of all that are of files in them: blocks that hold what was used, and what
 * names and describes it, unless that is very much. Reads the images, and may wait for them. What is not
 * found in an image is left out. 0 or -ENOMEM.
 */
must_check int in_image_resolve(struct pageset *seen);

#endif
