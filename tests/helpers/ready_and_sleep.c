/* Says "ready", then "continued" after each SIGCONT, and sleeps until a signal kills it. */
#include <signal.h>
#include <unistd.h>

static void on_continue(int signal)
{
	(void)signal;
	(void)!write(1, "continued\n", 10);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_continue };

	sigaction(SIGCONT, &action, NULL);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
