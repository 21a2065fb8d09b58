/*
 * svg.h - the frame of a picture that is readable on a light and on a dark ground.
 *
 * Classes for fill: "ground", "strong", "soft", "a", "b", "c" (three colours that can be told apart by the
 * colour-blind, too), for text "title", "label", "small", "end" (right-aligned), and "line" for strokes.
 */
#ifndef PBRUN_SVG_H
#define PBRUN_SVG_H

#include <stdio.h>

void svg_open(FILE *stream, unsigned int width, unsigned int height, const char *title);
void svg_close(FILE *stream);

/* Text as content or in an attribute; what must not be printed becomes "\x1b" as in text.h. */
void svg_escape(FILE *stream, const char *text);

/* classes: constants. */
void svg_text(FILE *stream, double x, double y, const char *classes, const char *text);

/* The greatest of 1, 2 and 5 times a power of ten with which an axis of length span gets at least n_ticks. */
double svg_tick(double span, unsigned int n_ticks);

#endif
