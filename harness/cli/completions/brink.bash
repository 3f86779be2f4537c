# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of brink for bash. Works without the bash-completion package.

# Scenario files and the folders that lead to them.
_brink_scenario_files() {
  compopt -o filenames 2>/dev/null # fails outside of a completion, in tests
  mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$1"; compgen -d -- "$1")
}

# _brink_paths d|f PREFIX: folders, or files of any kind.
_brink_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "-$1" -- "$2")
}

_brink_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

# After `guest`: its own commands, then kernels, or options of its shell. CUR PREV.
_brink_guest() {
  if [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " == *' shell '* ]]; then
    case $2 in
      --kernel) _brink_words 'debian-11 debian-12 debian-12-backports debian-13 sid' "$1" ;;
      --cgroup) _brink_words 'v1 v2' "$1" ;;
      --out) _brink_paths d "$1" ;;
      --memory | --case) ;; # words of the user's own
      *)
        if [[ $1 == -* ]]; then
          _brink_words '--case --kernel --cgroup --memory --out --help --version' "$1"
        else
          _brink_paths f "$1"
        fi
        ;;
    esac
  elif [[ $1 == -* ]]; then
    _brink_words '--help --version' "$1"
  elif [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " =~ \ (fetch|remove)\  ]]; then
    _brink_words 'debian-11 debian-12 debian-12-backports debian-13 sid' "$1"
  elif [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " != *' list '* ]]; then
    _brink_words 'list fetch remove shell' "$1"
  fi
}

# After `image`: its own commands, then images.
_brink_image() {
  if [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " =~ \ (build|remove)\  ]]; then
    _brink_words 'brink mariadb memcached postgresql prometheus redis' "$1"
  elif [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " != *' list '* ]]; then
    _brink_words 'list build remove' "$1"
  fi
}

_brink() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' word
  local commands='run check list search explain new judge doctor guest image restore demo selftest'
  local common='--help --version'
  local run='--case --tag --sandbox --kernel --cgroup --jobs --repeat --shuffle --seed --shard --set --timeout --out --junit --format --install --dry-run'
  COMPREPLY=()

  # "--format=json" arrives as three words.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then
      command=$word
      break
    fi
  done

  if [[ $command == judge && $prev == --format ]]; then _brink_words 'text json' "$cur" && return; fi
  if [[ $command == search && $prev == --format ]]; then _brink_words 'text json' "$cur" && return; fi
  if [[ $command == explain ]]; then
    case $prev in
      --pid) _brink_words "$(ps -eo pid= 2>/dev/null)" "$cur" && return ;;
      --write) _brink_paths f "$cur" && return ;;
      --format) _brink_words 'text json' "$cur" && return ;;
    esac
  fi
  if [[ $command == new && $prev == --from ]]; then _brink_words "dmesg $(ps -eo pid= 2>/dev/null)" "$cur" && return; fi
  if [[ $command == list ]]; then
    case $prev in
      --by) _brink_words 'system limit class' "$cur" && return ;;
      --format) _brink_words 'text json markdown' "$cur" && return ;;
    esac
  fi
  if [[ $command == run || $command == demo ]]; then
    case $prev in
      --sandbox) _brink_words 'auto host vm' "$cur" && return ;;
      --kernel) _brink_words 'debian-11 debian-12 debian-12-backports debian-13 sid' "$cur" && return ;;
      --cgroup) _brink_words 'v1 v2 v1,v2' "$cur" && return ;;
      --format) _brink_words 'text json' "$cur" && return ;;
      --tag) _brink_words 'demo vm.max_map_count memory.max commit_limit RLIMIT_AS RLIMIT_MEMLOCK' "$cur" && return ;;
      --out) _brink_paths d "$cur" && return ;;
      --junit) _brink_paths f "$cur" && return ;;
      --case | --jobs | --repeat | --seed | --shard | --set | --timeout) return ;; # the user's own names and numbers
    esac
  fi

  case $command:$cur in
    run:-* | demo:-*) _brink_words "$run $common" "$cur" ;;
    list:-*) _brink_words "--by --format $common" "$cur" ;;
    search:-*) _brink_words "--all --in --format $common" "$cur" ;;
    explain:*) _brink_words "--pid --write --format $common" "$cur" ;;
    new:-*) _brink_words "--from $common" "$cur" ;;
    judge:-*) _brink_words "--format $common" "$cur" ;;
    selftest:*) ;;
    guest:*) _brink_guest "$cur" "$prev" ;;
    :-* | *:-*) _brink_words "$common" "$cur" ;;
    :*) _brink_words "$commands" "$cur" ;;
    run:* | check:* | list:*) _brink_scenario_files "$cur" ;;
    search:*)
      if [[ $prev == --in ]]; then _brink_scenario_files "$cur"; else _brink_paths f "$cur"; fi
      ;;
    judge:*) _brink_paths d "$cur" ;;
    image:*) _brink_image "$cur" ;;
  esac
}

complete -F _brink brink
