"""The steps that touch the outside: GitHub, git, agents, quality tools, deploy targets."""
