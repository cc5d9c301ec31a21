"""What the models see: files, selection, chunks, context, guidelines."""
