"""How a derivative is found, line by line: derivatives that are not carried out yet (`pending`), the rules that carry them out
(`rules`, `forward`), chains of lines (`lines`), and what each verb derives (`recipes`). How it looks is for the notation room.
"""
