"""A command as a person types it to run it again."""

import shlex

import click
from click.core import ParameterSource


def typed(**values: object) -> str:
    """The running command with the options that were given, and with these beside them.

    Args:
        values: parameters by name that stand in the command whether they were given or not.
    """
    context = click.get_current_context()
    words = context.command_path.split()
    for param in context.command.params:
        name = param.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given or name in values:
            value = values.get(name, context.params[name])
            words += _words(param, value)
    return shlex.join(words)


def _words(param: click.Parameter, value: object) -> list[str]:
    """A parameter as it is typed."""
    values = value if isinstance(value, tuple) else (value,)
    if isinstance(param, click.Argument):
        return [str(one) for one in values]
    if isinstance(value, bool):
        return [max(param.opts if value else param.secondary_opts, key=len)]
    return [word for one in values for word in (max(param.opts, key=len), str(one))]
