"""The MCP server: Quorum's stages as tools for other programs, with the same pipeline, budgets, and redaction.

Takes text and returns findings. Opens no file or URL that a caller names, and posts nothing.
"""
