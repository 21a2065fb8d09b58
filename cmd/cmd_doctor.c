/* cmd_doctor.c - --doctor: what works here, what does not, what that means and what to do. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "doctor.h"
#include "json_out.h"
#include "output.h"
#include "sys/cleanup.h"
#include "text.h"

static const char *const verdict_names[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_LIMITED] = "limited",
	[VERDICT_BROKEN] = "broken",
};

void doctor_add(struct doctor *self, const struct finding *finding, const char *format, ...)
{
	struct finding *added = &self->findings[self->n_findings];
	va_list args;

	if (self->n_findings == DOCTOR_MAX_FINDINGS)
		return;
	*added = *finding;
	va_start(args, format);
	if (vasprintf(&added->found, format, args) < 0)
		added->found = NULL;
	va_end(args);
	self->n_findings++;
}

static enum verdict worst(const struct doctor *doctor)
{
	enum verdict verdict = VERDICT_OK;

	for (size_t i = 0; i < doctor->n_findings; i++)
		if (doctor->findings[i].verdict > verdict)
			verdict = doctor->findings[i].verdict;
	return verdict;
}

static const char *conclusion(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OK:
		return "Everything that pbrun can do works here.";
	case VERDICT_LIMITED:
		return "pbrun works here, with limits.";
	default:
		return "Programs start, but pbrun is of no or little use here.";
	}
}

/* Two columns. */
static const char *mark_of(enum verdict verdict, const struct terminal *terminal)
{
	static const char *const plain[] = { "  ", "! ", "X " };
	static const char *const coloured[] = { "\033[32m+\033[0m ", "\033[33m!\033[0m ",
						"\033[31mX\033[0m " };

	return terminal->has_colour ? coloured[verdict] : plain[verdict];
}

static void print_finding(const struct finding *finding, const struct terminal *terminal)
{
	cleanup_free char *text = NULL;

	if (!finding->found || asprintf(&text, "%s. %s", finding->found, finding->meaning) < 0)
		text = NULL;
	text_print_marked(mark_of(finding->verdict, terminal), finding->id, text, terminal);
	if (finding->advice)
		text_print_field("  to do", finding->advice, terminal);
}

static void print_as_text(const struct doctor *doctor)
{
	struct terminal terminal = terminal_look();

	terminal_start_pager(&terminal);
	for (size_t i = 0; i < doctor->n_findings; i++)
		print_finding(&doctor->findings[i], &terminal);
	printf("\n%s\n", conclusion(worst(doctor)));
}

static void print_as_json(const struct doctor *doctor)
{
	struct json_out json = { .stream = stdout };

	json_out_begin(&json, NULL, '{');
	json_out_number(&json, "format", 1);
	json_out_text(&json, "verdict", verdict_names[worst(doctor)]);
	json_out_begin(&json, "checks", '[');
	for (size_t i = 0; i < doctor->n_findings; i++) {
		const struct finding *finding = &doctor->findings[i];

		json_out_begin(&json, NULL, '{');
		json_out_text(&json, "id", finding->id);
		json_out_text(&json, "verdict", verdict_names[finding->verdict]);
		json_out_text(&json, "found", finding->found);
		json_out_text(&json, "meaning", finding->meaning);
		json_out_text(&json, "advice", finding->advice);
		json_out_end(&json, '}');
	}
	json_out_end(&json, ']');
	json_out_end(&json, '}');
	json_out_finish(&json);
}

int cmd_doctor(const struct arguments *arguments)
{
	struct doctor doctor = { .arguments = arguments };
	int status;

	doctor_check_kernel(&doctor);
	doctor_check_agent(&doctor);
	doctor_check_store(&doctor);
	doctor_check_disks(&doctor);
	doctor_check_trial(&doctor);
	if (arguments_has(arguments, OPTION_JSON))
		print_as_json(&doctor);
	else
		print_as_text(&doctor);
	status = worst(&doctor) == VERDICT_BROKEN;
	for (size_t i = 0; i < doctor.n_findings; i++)
		free(doctor.findings[i].found);
	return status | finish_output("doctor");
}
