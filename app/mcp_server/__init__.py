"""The MCP server: Quorum's stages as tools for other programs, over the same pipeline, budgets and redaction.

Takes text and gives findings. Opens no file and no address that a caller names, and posts nothing.
"""
