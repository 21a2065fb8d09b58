# Completion of pbrun for fish.

function __pbrun_remembered
    pbrun --json --list 2>/dev/null | string match -ra '"program": *"(?:\\\\.|[^"\\\\])*"' | string match -rv '\\\\[^"\\\\/]' |
        string replace -r '^[^:]*: *"(.*)"$' '$1' | string replace -ra '\\\\(.)' '$1' | sort -u
end

function __pbrun_entries
    set -l data $XDG_DATA_HOME
    test -n "$data"; or set data ~/.local/share
    set -l others (string split : -- "$XDG_DATA_DIRS")
    test -n "$XDG_DATA_DIRS"; or set others /usr/local/share /usr/share
    for directory in $data $others
        for file in $directory/applications/*.desktop
            basename $file .desktop
        end
    end
end

function __pbrun_services
    set -l scope --user
    contains -- --system (commandline -opc); and set scope --system
    systemctl $scope list-unit-files --type=service --no-legend 2>/dev/null | string replace -r ' .*' ''
end

function __pbrun_wrapped
    pbrun --wrapped 2>/dev/null | string replace -rf '^(desktop|user unit|system unit) +([^ ]+) .*' '$2'
end

# The program that is to be started is not named yet.
function __pbrun_wants_program
    set -l with_value \
        -d --dir \
        -r --record \
        -p --profile \
        --argv0 \
        -w --window \
        -x --exclude \
        -R --report \
        --format \
        -o --output \
        --svg \
        --shell \
        --runs
    # Options may stand behind the operands of these.
    set -l in_any_order --show --forget --export --import --merge --embed --embedded --unembed \
        --alias --desktop --unit --undo
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word $in_any_order
            return 0
        else if contains -- $word $with_value
            set skip 1
        else if not string match -q -- '-*' $word
            return 1
        end
    end
    return 0
end

complete -c pbrun -n __pbrun_wants_program -s d -l dir -x -a '(__fish_complete_directories)' -d 'Keep the recordings there'
complete -c pbrun -n __pbrun_wants_program -s r -l record -x -a 'auto train sample none' -d 'How to watch the program'
complete -c pbrun -n __pbrun_wants_program -s n -l no-prefetch -d 'Do not prefetch'
complete -c pbrun -n __pbrun_wants_program -s p -l profile -x -d 'Remember this use apart from others'
complete -c pbrun -n __pbrun_wants_program -l argv0 -x -d 'What the program is to find as its own name'
complete -c pbrun -n __pbrun_wants_program -s w -l window -x -d 'Seconds of the launch window'
complete -c pbrun -n __pbrun_wants_program -s x -l exclude -r -d 'Neither record nor prefetch such files'
complete -c pbrun -n __pbrun_wants_program -s R -l report -r -d 'Write a report of this launch'
complete -c pbrun -n __pbrun_wants_program -s v -l verbose -d 'Say what is done'
complete -c pbrun -n __pbrun_wants_program -l list -f -d 'List what is remembered'
complete -c pbrun -n __pbrun_wants_program -l show -x -a '(__pbrun_remembered)' -d 'Show what is remembered of a program'
complete -c pbrun -n __pbrun_wants_program -l forget -x -a '(__pbrun_remembered)' -d 'Remove what is remembered of a program'
complete -c pbrun -n __pbrun_wants_program -l export -x -a '(__pbrun_remembered)' -d 'Write what is remembered of a program to a file'
complete -c pbrun -n __pbrun_wants_program -l import -r -d 'Add an exported record'
complete -c pbrun -n __pbrun_wants_program -l merge -r -d 'Make one of several exported records'
complete -c pbrun -n __pbrun_wants_program -l embed -x -a '(__pbrun_remembered)' -d 'Put what is remembered of a program into its file'
complete -c pbrun -n __pbrun_wants_program -l embedded -r -d 'Show what is embedded in a file'
complete -c pbrun -n __pbrun_wants_program -l unembed -r -d 'Take an embedded record out again'
complete -c pbrun -n __pbrun_wants_program -l format -x -a 'record ranges shadow' -d 'Form of an export'
complete -c pbrun -n __pbrun_wants_program -s o -l output -r -d 'Write to this file'
complete -c pbrun -n __pbrun_wants_program -l keep-times -d 'Keep the times of the file'
complete -c pbrun -n __pbrun_wants_program -l alias -x -a '(__fish_complete_command)' -d 'Print aliases that start programs through pbrun'
complete -c pbrun -n __pbrun_wants_program -l shell -x -a 'bash zsh fish sh' -d 'For this shell'
complete -c pbrun -n __pbrun_wants_program -l desktop -x -a '(__pbrun_entries)' -d 'Have a desktop entry started through pbrun'
complete -c pbrun -n __pbrun_wants_program -l unit -x -a '(__pbrun_services)' -d 'Have a service started through pbrun'
complete -c pbrun -n __pbrun_wants_program -l system -f -d 'Of the services of the system'
complete -c pbrun -n __pbrun_wants_program -l undo -x -a '(__pbrun_wrapped)' -d 'Take back an entry or unit'
complete -c pbrun -n __pbrun_wants_program -l wrapped -f -d 'List what starts through pbrun'
complete -c pbrun -n __pbrun_wants_program -l doctor -f -d 'Say what works here, and what does not'
complete -c pbrun -n __pbrun_wants_program -l dry-run -d 'Say what a start would do, and why'
complete -c pbrun -n __pbrun_wants_program -l benchmark -d 'Measure what pbrun does for a program'
complete -c pbrun -n __pbrun_wants_program -l runs -x -d 'Start so often in each way'
complete -c pbrun -n __pbrun_wants_program -l json -d 'In JSON'
complete -c pbrun -n __pbrun_wants_program -l svg -r -d 'Draw it into this file'
complete -c pbrun -n __pbrun_wants_program -s h -l help -f -d 'Show a help text'
complete -c pbrun -n __pbrun_wants_program -s V -l version -f -d 'Show the version'
complete -c pbrun -f -a '(__fish_complete_subcommand --fcs-skip=1)'
