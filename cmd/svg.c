/* svg.c - the frame of a picture. */
#include "svg.h"

#include "sys/cleanup.h"
#include "text.h"

void svg_open(FILE *stream, unsigned int width, unsigned int height, const char *title)
{
	/* Not every renderer knows variables: each colour is written twice. */
	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" "
		"role=\"img\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\" "
		"font-size=\"12\">\n<title>",
		width, height, width, height);
	svg_escape(stream, title);
	fputs("</title>\n<style>\n"
	      "text { fill: #24292f } .title { font-size: 17px; font-weight: 600 } .small { font-size: 11px; "
	      "fill: #57606a }\n"
	      ".end { text-anchor: end } .ground { fill: #ffffff } .strong { fill: #24292f } .soft { fill: "
	      "#eaeef2 }\n"
	      ".line { stroke: #d0d7de; fill: none } .a { fill: #0969da } .b { fill: #bc4c00 } .c { fill: "
	      "#8c959f }\n"
	      "@media (prefers-color-scheme: dark) {\n"
	      "text { fill: #e6edf3 } .small { fill: #9ea7b3 } .ground { fill: #0d1117 } .strong { fill: "
	      "#e6edf3 }\n"
	      ".soft { fill: #21262d } .line { stroke: #30363d } .a { fill: #58a6ff } .b { fill: #f0883e } "
	      ".c { fill: #6e7681 }\n"
	      "}\n</style>\n"
	      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
	      stream);
}

void svg_close(FILE *stream)
{
	fputs("</svg>\n", stream);
}

void svg_escape(FILE *stream, const char *text)
{
	cleanup_free char *printable = text_printable(text);

	for (const char *c = printable ? printable : ""; *c; c++) {
		if (*c == '<')
			fputs("&lt;", stream);
		else if (*c == '>')
			fputs("&gt;", stream);
		else if (*c == '&')
			fputs("&amp;", stream);
		else if (*c == '"')
			fputs("&quot;", stream);
		else
			putc(*c, stream);
	}
}

void svg_text(FILE *stream, double x, double y, const char *classes, const char *text)
{
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, classes);
	svg_escape(stream, text);
	fputs("</text>\n", stream);
}

/* Without libm, which every start would have to load. */
double svg_tick(double span, unsigned int n_ticks)
{
	static const double steps[] = { 1, 2, 5 };
	double tick = 1e-3, power = 1e-3;

	for (int digit = -3; digit < 12; digit++, power *= 10)
		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
			if (steps[i] * power * n_ticks <= span)
				tick = steps[i] * power;
	return tick;
}
