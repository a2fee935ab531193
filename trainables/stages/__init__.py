"""The stages of the pipeline. Each composes ``stages.training``; none has a loop of its own."""
