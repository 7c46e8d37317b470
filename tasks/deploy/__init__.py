"""Where a release goes: targets, and the step that sends it there."""
