"""The pages of the console; `orchestrator.console.page_list` names them all."""
