"""The commands, one in each file; the file has the name of the command, and the command is called `command`."""
