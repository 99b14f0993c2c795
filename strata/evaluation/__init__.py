"""What a landing zone's policies let people do: answers to questions, expectations, who can undo what."""
